using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress;

/// <summary>The product's own registrations over a configuration in memory, with the name service and the network in the test's hands.</summary>
internal sealed class EgressFixture : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ServiceProvider _services;
    private readonly IConfigurationRoot _configuration;

    public EgressFixture(
        IEnumerable<KeyValuePair<string, string?>>? settings = null,
        IConnector? connector = null,
        IOwnListeners? ownListeners = null,
        IResolver? resolver = null)
    {
        _configuration = new ConfigurationBuilder().Add(new MemoryConfigurationSource { InitialData = settings }).Build();
        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(_configuration)
            .AddLogging()
            .AddMetrics()
            .AddSingleton<TimeProvider>(Time)
            .AddSingleton(resolver ?? Resolver)
            .AddSingleton(connector ?? Connector);
        if (ownListeners is not null)
        {
            services.AddSingleton(ownListeners);
        }

        _services = services.AddResilience().AddEgress().BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; } = new();

    public FakeResolver Resolver { get; } = new();

    public RecordingConnector Connector { get; } = new();

    public Dialer Dialer => _services.GetRequiredService<Dialer>();

    public EgressHandlers Handlers => _services.GetRequiredService<EgressHandlers>();

    public EgressRuntime Runtime => _services.GetRequiredService<EgressRuntime>();

    public T Get<T>()
        where T : notnull
        => _services.GetRequiredService<T>();

    public static KeyValuePair<string, string?> Allow(string range, int index = 0)
        => new($"Gateway:Egress:AllowedAddresses:{index}", range);

    public static KeyValuePair<string, string?> NoRetry { get; } = new("Gateway:Resilience:Connect:MaxRetries", "0");

    public void Reload(string key, string? value)
    {
        _configuration[key] = value;
        _configuration.Reload();
    }

    public Task<DialedConnection> ConnectAsync(string authority, DialPurpose purpose = DialPurpose.Forward)
    {
        Assert.True(HostPort.TryParse(authority, 0, out var target));
        return Dialer.ConnectAsync(target, purpose, TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
    }

    public async Task<ProxyError> FailAsync(string authority, DialPurpose purpose = DialPurpose.Forward)
        => (await Assert.ThrowsAsync<ProxyException>(() => ConnectAsync(authority, purpose))).Error;

    public ValueTask DisposeAsync() => Time.DisposeAsync(_services);
}

/// <summary>Answers from a table; a name's answers are given one after the other, the last one for ever.</summary>
internal sealed class FakeResolver : IResolver, INameLookup
{
    private readonly ConcurrentDictionary<string, Queue<Func<CancellationToken, ValueTask<IReadOnlyList<IPAddress>>>>> _answers =
        new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Asked { get; } = new();

    public FakeResolver Answer(string name, params string[] addresses)
        => Answer(name, _ => ValueTask.FromResult<IReadOnlyList<IPAddress>>([.. addresses.Select(IPAddress.Parse)]));

    public FakeResolver Fail(string name, SocketError error) => Answer(name, _ => throw new SocketException((int)error));

    public FakeResolver Answer(string name, Func<CancellationToken, ValueTask<IReadOnlyList<IPAddress>>> answer)
    {
        _answers.GetOrAdd(name, static _ => new()).Enqueue(answer);
        return this;
    }

    public async ValueTask<NameAnswer> LookupAsync(string name, CancellationToken cancellationToken)
        => new(await ResolveAsync(name, cancellationToken), TimeToLive);

    /// <summary>What its answers say of the time that they hold.</summary>
    public TimeSpan? TimeToLive { get; set; }

    public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        Asked.Enqueue(name);
        if (!_answers.TryGetValue(name, out var answers))
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        lock (answers)
        {
            return (answers.Count > 1 ? answers.Dequeue() : answers.Peek())(cancellationToken);
        }
    }
}

/// <summary>A network in which some addresses refuse, some stay silent, and all others lead to one real listener.</summary>
internal sealed class RecordingConnector : IConnector
{
    private readonly ConcurrentDictionary<IPAddress, Func<CancellationToken, ValueTask>> _behaviours = new();
    private readonly Channel<IPEndPoint> _dialed = Channel.CreateUnbounded<IPEndPoint>();
    private readonly SocketConnector _real = new();

    public ConcurrentQueue<IPEndPoint> Dialed { get; } = new();

    /// <summary>Where the connections were to leave from.</summary>
    public ConcurrentQueue<IPAddress?> Sources { get; } = new();

    public ConcurrentQueue<IPAddress> Ended { get; } = new();

    /// <summary>Where every connection really goes; <see langword="null"/> = where it was meant to.</summary>
    public IPEndPoint? Destination { get; set; }

    public RecordingConnector Fail(string address, SocketError error)
    {
        _behaviours[IPAddress.Parse(address)] = _ => throw new SocketException((int)error);
        return this;
    }

    public RecordingConnector Silent(string address)
    {
        var key = IPAddress.Parse(address);
        _behaviours[key] = async cancellationToken =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                Ended.Enqueue(key);
            }
        };
        return this;
    }

    /// <summary>Waits for the next dial that has not been waited for.</summary>
    public Task NextDialAsync()
        => _dialed.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(EgressFixture.Patience);

    public async ValueTask<Socket> ConnectAsync(IPEndPoint endPoint, IPAddress? source, CancellationToken cancellationToken)
    {
        Dialed.Enqueue(endPoint);
        Sources.Enqueue(source);
        _dialed.Writer.TryWrite(endPoint);
        if (_behaviours.TryGetValue(endPoint.Address, out var behaviour))
        {
            await behaviour(cancellationToken);
        }

        return await _real.ConnectAsync(Destination ?? endPoint, source, cancellationToken);
    }
}

/// <summary>A loopback listener.</summary>
internal sealed class Origin : IDisposable
{
    private readonly TcpListener _listener;

    public Origin(IPAddress? address = null)
    {
        _listener = new TcpListener(address ?? IPAddress.Loopback, 0);
        _listener.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public int Port => EndPoint.Port;

    public Task<Socket> AcceptAsync() => _listener.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(EgressFixture.Patience);

    public void Dispose() => _listener.Dispose();
}
