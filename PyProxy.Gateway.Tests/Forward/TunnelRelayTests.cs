using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Forward;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Forward;

public sealed class TunnelRelayTests : IAsyncLifetime
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeDrain _drain = new();
    private readonly Exchange _exchange = new() { Id = "d-1", Role = ListenerRole.Forward };
    private SocketLeg _client = null!;
    private SocketLeg _destination = null!;

    public async ValueTask InitializeAsync()
    {
        _client = await SocketLeg.CreateAsync();
        _destination = await SocketLeg.CreateAsync();
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _destination.Dispose();
        _drain.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task ClientEndsFirst_StillGetsTheAnswer()
    {
        var relay = Start();
        await _client.SendAsync("question"u8.ToArray());
        _client.Far.Shutdown(SocketShutdown.Send);
        var question = await _destination.ReadToEndAsync();
        await _destination.SendAsync("answer"u8.ToArray());
        _destination.Far.Shutdown(SocketShutdown.Send);

        Assert.Equal("answer"u8.ToArray(), await _client.ReadToEndAsync());
        Assert.Equal("question"u8.ToArray(), question);
        Assert.Equal(TunnelEnd.Completed, await EndOf(relay));
        Assert.Equal((8, 6), (_exchange.BytesIn, _exchange.BytesOut));
    }

    /// <summary>The end is read before anything of the other direction has begun.</summary>
    [Fact]
    public async Task ClientThatHasEndedAlready_StillGetsTheAnswer()
    {
        _client.Far.Shutdown(SocketShutdown.Send);
        Assert.True(_client.Near.Socket.Poll(Patience, SelectMode.SelectRead));
        var relay = Start();
        Assert.Empty(await _destination.ReadToEndAsync());
        await _destination.SendAsync("answer"u8.ToArray());
        _destination.Far.Shutdown(SocketShutdown.Send);

        Assert.Equal("answer"u8.ToArray(), await _client.ReadToEndAsync());
        Assert.Equal(TunnelEnd.Completed, await EndOf(relay));
    }

    [Fact]
    public async Task DestinationEndsFirst_StillGetsTheRest()
    {
        var relay = Start();
        await _destination.SendAsync("banner"u8.ToArray());
        _destination.Far.Shutdown(SocketShutdown.Send);
        var banner = await _client.ReadToEndAsync();
        await _client.SendAsync("rest"u8.ToArray());
        _client.Far.Shutdown(SocketShutdown.Send);

        Assert.Equal("rest"u8.ToArray(), await _destination.ReadToEndAsync());
        Assert.Equal("banner"u8.ToArray(), banner);
        Assert.Equal(TunnelEnd.Completed, await EndOf(relay));
    }

    [Fact]
    public async Task EightMegabytesThenTheEnd_ArriveWhole()
    {
        var bytes = new byte[8 * 1024 * 1024];
        new Random(1).NextBytes(bytes);
        var relay = Start();
        var sending = _destination.SendAsync(bytes).ContinueWith(
            _ => _destination.Far.Dispose(), TestContext.Current.CancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
        var received = await _client.ReadToEndAsync();
        _client.Far.Shutdown(SocketShutdown.Send);
        await sending;

        Assert.True(bytes.AsSpan().SequenceEqual(received));
        Assert.Equal(TunnelEnd.Completed, await EndOf(relay));
        Assert.Equal(bytes.Length, _exchange.BytesOut);
    }

    /// <summary>More than all buffers on the way hold, so that the relay waits for a receiver that is full, too.</summary>
    [Fact]
    public async Task ReceiverThatReadsLate_GetsEverythingInOrder()
    {
        var bytes = new byte[32 * 1024 * 1024];
        new Random(2).NextBytes(bytes);
        var relay = Start();
        var sending = _client.SendAsync(bytes);
        var beginning = new byte[1];
        Assert.Equal(1, await _destination.Far.ReceiveAsync(beginning, TestContext.Current.CancellationToken));
        await Poll.UntilAsync(() => new(!_client.Far.Poll(TimeSpan.Zero, SelectMode.SelectWrite)));
        var rest = _destination.ReadToEndAsync();
        await sending;
        _client.Far.Shutdown(SocketShutdown.Send);
        var received = await rest;
        _destination.Far.Shutdown(SocketShutdown.Send);

        Assert.Equal(TunnelEnd.Completed, await EndOf(relay));
        Assert.Equal(bytes[0], beginning[0]);
        Assert.True(bytes.AsSpan(1).SequenceEqual(received));
        Assert.Equal(bytes.Length, _exchange.BytesIn);
    }

    [Fact]
    public async Task ResetByTheClient_ResetsTheDestination()
    {
        var relay = Start();
        _client.Reset();

        await _destination.AssertResetAsync();
        Assert.Equal(TunnelEnd.ClientReset, await EndOf(relay));
    }

    [Fact]
    public async Task ResetByTheDestination_ResetsTheClient()
    {
        var relay = Start();
        _destination.Reset();

        await _client.AssertResetAsync();
        Assert.Equal(TunnelEnd.DestinationReset, await EndOf(relay));
    }

    [Fact]
    public async Task IdleTunnel_EndsAfterTheTimeout_CountedFromTheLastByte()
    {
        var relay = Start(new TunnelOptions { IdleTimeout = TimeSpan.FromMinutes(1) });
        _time.Advance(TimeSpan.FromSeconds(50));
        await _client.SendAsync("x"u8.ToArray());
        Assert.Equal("x", await _destination.ReadAsync(1));
        _time.Advance(TimeSpan.FromSeconds(50));
        await _destination.SendAsync("y"u8.ToArray());
        Assert.Equal("y", await _client.ReadAsync(1));
        Assert.False(relay.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(relay.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(TunnelEnd.Idle, await EndOf(relay));
        Assert.Equal("Gateway:Tunnels:IdleTimeout", _exchange.DecidedBy);
    }

    [Fact]
    public async Task Lifetime_EndsABusyTunnel()
    {
        var relay = Start(new TunnelOptions { IdleTimeout = TimeSpan.Zero, Lifetime = TimeSpan.FromHours(1) });
        _time.Advance(TimeSpan.FromMinutes(59));
        await _client.SendAsync("x"u8.ToArray());
        Assert.Equal("x", await _destination.ReadAsync(1));
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(TunnelEnd.Lifetime, await EndOf(relay));
        Assert.Equal("Gateway:Tunnels:Lifetime", _exchange.DecidedBy);
    }

    [Fact]
    public async Task DrainDeadline_EndsTheTunnel()
    {
        var relay = Start();
        await _drain.Deadline.CancelAsync();

        Assert.Equal(TunnelEnd.Drained, await EndOf(relay));
        await _client.AssertResetAsync();
    }

    [Fact]
    public async Task DestinationThatAnswersAndCloses_DoesNotCostTheClientTheAnswer()
    {
        var relay = Start();
        await _destination.SendAsync("answer"u8.ToArray());
        _destination.Far.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer"u8.ToArray(), await _client.ReadToEndAsync());
        _destination.Far.Dispose();

        // The first write provokes the destination's reset, one of the later ones meets it.
        for (var i = 0; i < 20; i++)
        {
            await _client.SendAsync(new byte[64 * 1024]);
        }

        _client.Far.Shutdown(SocketShutdown.Send);
        Assert.Equal(TunnelEnd.Completed, await EndOf(relay));
    }

    [Fact]
    public async Task GoneClient_HasItsLastWordsDeliveredAndThenTheTunnelEnds()
    {
        using var gone = new CancellationTokenSource();
        var relay = RunAsync(new TunnelOptions(), gone.Token);
        await _client.SendAsync("last words"u8.ToArray());
        _client.Far.Shutdown(SocketShutdown.Send);
        await gone.CancelAsync();

        Assert.Equal("last words"u8.ToArray(), await _destination.ReadToEndAsync());
        Assert.False(relay.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(6)); // nobody is there to take an answer
        Assert.Equal(TunnelEnd.ClientReset, await EndOf(relay));
    }

    private Task<TunnelEnd> Start(TunnelOptions? options = null) => RunAsync(options ?? new TunnelOptions(), CancellationToken.None);

    private Task<TunnelEnd> RunAsync(TunnelOptions options, CancellationToken clientGone)
        => new TunnelRelay(new FixedOptions(options), _drain, _time, NullLogger<TunnelRelay>.Instance)
            .RunAsync(_client.Near, _destination.Near, _exchange, clientGone);

    private static Task<TunnelEnd> EndOf(Task<TunnelEnd> relay) => relay.WaitAsync(Patience, TestContext.Current.CancellationToken);

    private sealed class FixedOptions(TunnelOptions value) : IOptionsMonitor<TunnelOptions>
    {
        public TunnelOptions CurrentValue => value;

        public TunnelOptions Get(string? name) => value;

        public IDisposable? OnChange(Action<TunnelOptions, string?> listener) => null;
    }
}

internal sealed class FakeDrain : IDrainSignal, IDisposable
{
    public CancellationTokenSource Deadline { get; } = new();

    public CancellationToken Draining => CancellationToken.None;

    public CancellationToken Closing => CancellationToken.None;

    public CancellationToken TunnelDeadline => Deadline.Token;

    public void Dispose() => Deadline.Dispose();
}
