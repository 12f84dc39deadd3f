using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Upstream proxies that go bad in ways that connecting to them does not show, and what finds them: checks beside the traffic, and the traffic itself.</summary>
public sealed class UpstreamChecksTests : IAsyncLifetime
{
    private readonly ScriptedParent _parent = new();
    private GatewayServer? _gateway;

    [Theory]
    [InlineData("")]
    [InlineData(""" "Target": "probe.example:443", """)]
    public async Task ParentThatIsNotThere_IsTakenOutByAFailedCheck_AndBroughtBackByOneThatSucceeds(string target)
    {
        _parent.StopListening();
        await StartAsync(Checks(target));

        await Poll.UntilAsync(async () => !await IsInAsync());
        Assert.Contains("cannot be connected to", await LastFailureAsync(), StringComparison.Ordinal);
        _parent.Listen();
        await Poll.UntilAsync(IsInAsync);
    }

    [Fact]
    public async Task ParentThatAcceptsAndIsSilent_IsTakenOutByACheckThatHasATarget()
    {
        _parent.IsSilentAbout("probe.example");
        await StartAsync(Checks(""" "Target": "probe.example:443", """));

        await Poll.UntilAsync(async () => !await IsInAsync());
        Assert.Contains("did not answer in time", await LastFailureAsync(), StringComparison.Ordinal);
        _parent.AnswersAll();
        await Poll.UntilAsync(IsInAsync);
    }

    [Fact]
    public async Task ParentThatAcceptsAndIsSilent_IsTakenOutByTheTrafficThatItDoesNotAnswer()
    {
        _parent.IsSilentAbout("first.example");
        await StartAsync(""" "HealthCheck": { "Interval": "00:00:00" } """);

        using var client = await ConnectAsync("first.example");
        Assert.StartsWith("HTTP/1.1 504", await client.ReadHeadAsync(), StringComparison.Ordinal);

        Assert.False(await IsInAsync());
        Assert.Contains("did not open a connection to first.example:443 in time", await LastFailureAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DestinationThatIsSilentBehindAParentThatAnswersOthers_CountsForNothing()
    {
        _parent.IsSilentAbout("hole.example");
        await StartAsync(""" "HealthCheck": { "Interval": "00:00:00" } """, "00:00:01");

        using var stuck = await ConnectAsync("hole.example");
        await Poll.UntilAsync(() => ValueTask.FromResult(_parent.WasAskedFor("hole.example")));
        using var other = await ConnectAsync("there.example");
        Assert.StartsWith("HTTP/1.1 200", await other.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 504", await stuck.ReadHeadAsync(), StringComparison.Ordinal);

        Assert.True(await IsInAsync());
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        await _parent.DisposeAsync();
    }

    private static string Checks(string target) => $$""" "HealthCheck": { {{target}} "Interval": "00:00:00.100", "Timeout": "00:00:00.300" } """;

    private async Task StartAsync(string checks, string connectTimeout = "00:00:00.200") => _gateway = await GatewayServer.StartAsync(gateway: $$"""
        "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectTimeout": "{{connectTimeout}}", "DefaultProfile": "pool", "Profiles": { "pool": { "Upstreams": {
          "FailuresToEject": 1, "EjectionTime": "00:10:00", "MaxEjectionTime": "00:10:00", {{checks}},
          "Proxies": { "parent": { "Address": "http://127.0.0.1:{{_parent.Port}}", "TrustedToResolve": true } } } } } }
        """);

    private async Task<RawClient> ConnectAsync(string host)
    {
        var client = await RawClient.ConnectAsync(_gateway!.Port("Open"));
        await client.SendAsync($"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
        return client;
    }

    private async ValueTask<bool> IsInAsync() => (await ProxyAsync()).GetProperty("in").GetBoolean();

    private async Task<string> LastFailureAsync() => (await ProxyAsync()).GetProperty("lastFailure").GetString()!;

    private async Task<JsonElement> ProxyAsync()
    {
        using var http = new HttpClient();
        var upstreams = await http.GetStringAsync(new Uri(_gateway!.Url("Admin"), "/api/v1/upstreams"), TestContext.Current.CancellationToken);
        return JsonDocument.Parse(upstreams).RootElement[0].GetProperty("proxies")[0];
    }

    /// <summary>An HTTP proxy that opens tunnels to nowhere, is silent about some hosts, and may stop listening on its port.</summary>
    private sealed class ScriptedParent : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentQueue<string> _asked = new();
        private readonly ConcurrentBag<Task> _serving = [];
        private TcpListener? _listener;
        private volatile string? _silentAbout;

        public ScriptedParent() => Listen();

        public int Port { get; private set; }

        public void Listen()
        {
            _listener = new TcpListener(IPAddress.Loopback, Port);
            _listener.Start();
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            _serving.Add(AcceptAsync(_listener));
        }

        public void StopListening()
        {
            _listener!.Dispose();
            _listener = null;
        }

        public void IsSilentAbout(string host) => _silentAbout = host;

        public void AnswersAll() => _silentAbout = null;

        public bool WasAskedFor(string host) => _asked.Any(head => head.Contains(host, StringComparison.Ordinal));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener?.Dispose();
            await Task.WhenAll(_serving);
            _stop.Dispose();
        }

        private async Task AcceptAsync(TcpListener listener)
        {
            try
            {
                while (true)
                {
                    _serving.Add(ServeAsync(await listener.AcceptSocketAsync(_stop.Token)));
                }
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // Nobody listens any more.
            }
        }

        private async Task ServeAsync(Socket socket)
        {
            using (socket)
            {
                try
                {
                    await using var stream = new NetworkStream(socket);
                    using var reader = new StreamReader(stream, leaveOpen: true);
                    if (await reader.ReadLineAsync(_stop.Token) is not { } asked)
                    {
                        return;
                    }

                    _asked.Enqueue(asked);
                    while (!string.IsNullOrEmpty(await reader.ReadLineAsync(_stop.Token)))
                    {
                    }

                    if (_silentAbout is not { } silent || !asked.Contains(silent, StringComparison.Ordinal))
                    {
                        await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), _stop.Token);
                    }

                    await reader.ReadLineAsync(_stop.Token); // until the gateway has had enough
                }
                catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
                {
                    // It had.
                }
            }
        }
    }
}
