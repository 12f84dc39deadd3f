using System.Net.Sockets;
using PyProxy.Gateway.Forward.Splicing;

namespace PyProxy.Gateway.Tests.Forward;

/// <summary>Only where the kernel can: elsewhere the buffered relay does it all.</summary>
public sealed class SpliceTests : IAsyncLifetime
{
    private SocketLeg _from = null!;
    private SocketLeg _to = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "splice(2) is Linux's.");
        _from = await SocketLeg.CreateAsync();
        _to = await SocketLeg.CreateAsync();
        foreach (var leg in (SocketLeg[])[_from, _to])
        {
            leg.Near.Socket.Blocking = false; // as asynchronous use makes it
        }
    }

    public ValueTask DisposeAsync()
    {
        _from?.Dispose();
        _to?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task WhatTheSocketHas_ReachesTheOther()
    {
        await _from.SendAsync("hello"u8.ToArray());
        var pipe = Rent();

        Assert.Equal(SpliceResult.Moved, Fill(pipe));
        Assert.Equal(5, pipe.Length);
        Assert.True(pipe.TryDrain(_to.Near.Socket));
        Assert.Equal("hello", await _to.ReadAsync(5));
        Assert.Equal(SpliceResult.WouldBlock, pipe.Fill(_from.Near.Socket, 100));
        pipe.Return();
    }

    [Fact]
    public void TheEnd_IsToldFromNothingYet()
    {
        var pipe = Rent();
        Assert.Equal(SpliceResult.WouldBlock, pipe.Fill(_from.Near.Socket, 100));

        _from.Far.Shutdown(SocketShutdown.Send);

        Assert.Equal(SpliceResult.Ended, Fill(pipe));
        pipe.Return();
    }

    [Fact]
    public void Reset_IsAFailureOfTheSocket()
    {
        var pipe = Rent();
        _from.Reset();

        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => Fill(pipe)).SocketErrorCode);
        pipe.Return();
    }

    [Fact]
    public async Task NoMoreThanAsked_IsTaken()
    {
        await _from.SendAsync(new byte[1000]);
        var pipe = Rent();
        Assert.True(_from.Near.Socket.Poll(TunnelRelayTests.Patience, SelectMode.SelectRead));

        Assert.Equal(SpliceResult.Moved, pipe.Fill(_from.Near.Socket, 300));
        Assert.Equal(300, pipe.Length);
        Assert.Equal(200, pipe.Read(new byte[200]));
        Assert.Equal(100, pipe.Length);
        pipe.Return();
    }

    [Fact]
    public async Task FullReceiver_LeavesTheRestInThePipe()
    {
        var bytes = new byte[64 * 1024];
        var pipe = Rent();
        var drained = true;
        for (var i = 0; drained && i < 1000; i++)
        {
            await _from.SendAsync(bytes);
            while (drained && Fill(pipe) == SpliceResult.Moved)
            {
                drained = pipe.TryDrain(_to.Near.Socket);
                if (_from.Near.Socket.Available == 0)
                {
                    break;
                }
            }
        }

        Assert.False(drained);
        Assert.InRange(pipe.Length, 1, pipe.Capacity);
        pipe.Return();
    }

    private SpliceResult Fill(SplicePipe pipe)
    {
        Assert.True(_from.Near.Socket.Poll(TunnelRelayTests.Patience, SelectMode.SelectRead));
        return pipe.Fill(_from.Near.Socket, int.MaxValue);
    }

    private static SplicePipe Rent()
    {
        var pipe = SplicePipe.TryRent();
        Assert.NotNull(pipe);
        return pipe;
    }
}
