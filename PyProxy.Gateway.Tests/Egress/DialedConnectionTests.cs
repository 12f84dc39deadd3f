using System.Net.Sockets;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class DialedConnectionTests
{
    [Fact]
    public async Task ShutdownSend_EndsOneDirectionOnly()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();
        await using var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}", DialPurpose.Configured);
        using var accepted = await origin.AcceptAsync();
        var buffer = new byte[8];

        await connection.Stream.WriteAsync("hello"u8.ToArray(), TestContext.Current.CancellationToken);
        await connection.ShutdownSendAsync(TestContext.Current.CancellationToken);
        Assert.Equal(5, await accepted.ReceiveAsync(buffer, TestContext.Current.CancellationToken));
        Assert.Equal(0, await accepted.ReceiveAsync(buffer, TestContext.Current.CancellationToken));

        await accepted.SendAsync("world!"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal(6, await connection.Stream.ReadAsync(buffer, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Abort_IsAReset()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();
        await using var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}", DialPurpose.Configured);
        using var accepted = await origin.AcceptAsync();

        connection.Abort();
        connection.Abort();

        var failure = await Assert.ThrowsAsync<SocketException>(
            () => accepted.ReceiveAsync(new byte[8], TestContext.Current.CancellationToken).AsTask().WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    }

    [Fact]
    public async Task Dispose_IsAnOrderlyEnd()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();
        var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}", DialPurpose.Configured);
        using var accepted = await origin.AcceptAsync();

        await connection.DisposeAsync();
        await connection.DisposeAsync();

        Assert.Equal(0, await accepted.ReceiveAsync(new byte[8], TestContext.Current.CancellationToken));
    }
}
