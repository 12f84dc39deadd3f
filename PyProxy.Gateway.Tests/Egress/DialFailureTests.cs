using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class DialFailureTests
{
    private const string Address = "93.184.215.14";

    [Theory]
    [InlineData(SocketError.ConnectionRefused, 502, "connection_refused")]
    [InlineData(SocketError.TimedOut, 504, "connection_timeout")]
    [InlineData(SocketError.HostUnreachable, 502, "destination_ip_unroutable")]
    [InlineData(SocketError.NetworkUnreachable, 502, "destination_ip_unroutable")]
    [InlineData(SocketError.ConnectionReset, 502, "connection_terminated")]
    [InlineData(SocketError.TooManyOpenSockets, 503, "destination_unavailable")]
    public async Task FailureToConnect_HasItsStatusAndToken_AndTellsNoAddress(SocketError failure, int status, string token)
    {
        await using var egress = new EgressFixture([EgressFixture.NoRetry]);
        egress.Resolver.Answer("a.example", Address);
        egress.Connector.Fail(Address, failure);

        var error = await egress.FailAsync("a.example:80");

        Assert.Equal(status, error.Status);
        Assert.Equal(token, error.Token);
        Assert.DoesNotContain(Address, error.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SocketError.HostNotFound, 502, "dns_error")]
    [InlineData(SocketError.NoData, 502, "dns_error")]
    [InlineData(SocketError.TryAgain, 502, "dns_error")]
    [InlineData(SocketError.TimedOut, 504, "dns_timeout")]
    public async Task FailureToResolve_HasItsStatusAndToken(SocketError failure, int status, string token)
    {
        await using var egress = new EgressFixture([EgressFixture.NoRetry]);
        egress.Resolver.Fail("a.example", failure);

        var error = await egress.FailAsync("a.example:80");

        Assert.Equal(status, error.Status);
        Assert.Equal(token, error.Token);
        Assert.Equal(Fault.Destination, error.Fault);
    }

    [Fact]
    public async Task NobodyListens_IsRefused()
    {
        using var nobody = new ReservedPort();
        await using var egress = new EgressFixture([EgressFixture.NoRetry]);

        Assert.Equal("connection_refused", (await egress.FailAsync(nobody.Authority, DialPurpose.Configured)).Token);
    }

    [Fact]
    public async Task SilentDestination_TimesOut_WhenItsTimeIsUp()
    {
        await using var egress = new EgressFixture([EgressFixture.NoRetry, new("Gateway:Egress:ConnectTimeout", "00:00:03")]);
        egress.Connector.Silent(Address);

        var failing = egress.FailAsync($"{Address}:80");
        await egress.Connector.NextDialAsync();
        egress.Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal("connection_timeout", (await failing).Token);
        Assert.Single(egress.Connector.Ended);
    }

    [Fact]
    public async Task SilentNameServer_IsADnsTimeout()
    {
        await using var egress = new EgressFixture([EgressFixture.NoRetry, new("Gateway:Egress:ConnectTimeout", "00:00:03")]);
        egress.Resolver.Answer("a.example", async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return [];
        });

        var failing = egress.FailAsync("a.example:80");
        egress.Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal("dns_timeout", (await failing).Token);
    }

    [Fact]
    public async Task TryThatTakesTooLong_IsFollowedByAnother()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture([new("Gateway:Resilience:Connect:Delay", "0")]);
        egress.Resolver.Answer("a.example", Address).Answer("a.example", "93.184.215.15");
        egress.Connector.Silent(Address).Destination = origin.EndPoint;

        var connecting = egress.ConnectAsync("a.example:80");
        await egress.Connector.NextDialAsync();
        egress.Time.Advance(TimeSpan.FromSeconds(5));

        await using var connection = await connecting;
        Assert.Equal(IPAddress.Parse("93.184.215.15"), connection.RemoteEndPoint.Address);
    }

    [Fact]
    public async Task SourceAddress_IsWhereConnectionsLeaveFrom()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture([new("Gateway:Egress:SourceAddress", "127.0.0.2")]);

        await using var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}", DialPurpose.Configured);

        using var accepted = await origin.AcceptAsync();
        Assert.Equal(IPAddress.Parse("127.0.0.2"), ((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    [Theory]
    [InlineData("192.0.2.1", "127.0.0.1:80")] // not an address of this machine
    [InlineData("127.0.0.2", "[::1]:80")]     // of the other family
    public async Task SourceAddressThatCannotReachTheDestination_IsTheGatewaysFault(string source, string target)
    {
        await using var egress = new EgressFixture([EgressFixture.NoRetry, new("Gateway:Egress:SourceAddress", source)]);

        var error = await egress.FailAsync(target, DialPurpose.Configured);

        Assert.Equal(Fault.Gateway, error.Fault);
        Assert.Equal("Gateway:Egress:SourceAddress", error.Setting);
    }
}
