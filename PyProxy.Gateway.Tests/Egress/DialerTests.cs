using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class DialerTests
{
    [Fact]
    public async Task AllowedLoopback_IsConnectedTo()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);

        await using var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}");

        using var accepted = await origin.AcceptAsync();
        Assert.Equal(origin.EndPoint, connection.RemoteEndPoint);
        Assert.True(connection.Socket.NoDelay);
    }

    [Fact]
    public async Task ConfiguredDestination_MayBeLoopback()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();

        await using var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}", DialPurpose.Configured);

        Assert.Equal(origin.EndPoint, connection.RemoteEndPoint);
    }

    [Fact]
    public async Task NameServerThatChangesItsAnswer_IsAskedOnce_AndTheVettedAddressIsDialed()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();
        egress.Connector.Destination = origin.EndPoint;
        egress.Resolver.Answer("rebind.example", "93.184.215.14").Answer("rebind.example", "127.0.0.1");

        await using var connection = await egress.ConnectAsync("rebind.example:80");

        Assert.Equal("rebind.example", Assert.Single(egress.Resolver.Asked));
        Assert.Equal([IPEndPoint.Parse("93.184.215.14:80")], egress.Connector.Dialed);
    }

    [Fact]
    public async Task RetryAfterTheAnswerChanged_IsVettedAnew()
    {
        await using var egress = new EgressFixture([new("Gateway:Egress:Dns:CacheDuration", "0"), new("Gateway:Resilience:Connect:Delay", "0")]);
        egress.Connector.Fail("93.184.215.14", SocketError.ConnectionRefused);
        egress.Resolver.Answer("rebind.example", "93.184.215.14").Answer("rebind.example", "127.0.0.1");

        var error = await egress.FailAsync("rebind.example:80");

        Assert.Equal("destination_ip_prohibited", error.Token);
        Assert.Equal([IPEndPoint.Parse("93.184.215.14:80")], egress.Connector.Dialed);
    }

    [Fact]
    public async Task SomeAddressesProhibited_OnlyTheOthersAreDialed()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();
        egress.Connector.Destination = origin.EndPoint;
        egress.Resolver.Answer("mixed.example", "127.0.0.1", "10.0.0.1", "93.184.215.14", "::1");

        await using var connection = await egress.ConnectAsync("mixed.example:80");

        Assert.Equal([IPEndPoint.Parse("93.184.215.14:80")], egress.Connector.Dialed);
    }

    [Fact]
    public async Task AllAddressesProhibited_IsRefused_WithTheSettingAndWithoutTheAddress()
    {
        await using var egress = new EgressFixture();
        egress.Resolver.Answer("db.internal.example", "10.20.30.40", "fd12::34");

        var error = await egress.FailAsync("db.internal.example:5432");

        Assert.Equal(403, error.Status);
        Assert.Equal("destination_ip_prohibited", error.Token);
        Assert.Equal(Fault.Client, error.Fault);
        Assert.Equal("Gateway:Egress:AllowedAddresses", error.Setting);
        Assert.Contains("db.internal.example", error.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("10.20", error.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("fd12", error.Detail, StringComparison.Ordinal);
        Assert.Empty(egress.Connector.Dialed);
    }
}
