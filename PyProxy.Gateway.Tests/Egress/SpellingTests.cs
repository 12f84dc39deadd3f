using System.Net;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Names;

namespace PyProxy.Gateway.Tests.Egress;

/// <summary>Loopback in every spelling, through the system's own resolver: what it makes of them has to be vetted.</summary>
public sealed class SpellingTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("2130706433")]
    [InlineData("0177.0.0.1")]
    [InlineData("017700000001")]
    [InlineData("0x7f.1")]
    [InlineData("0x7f000001")]
    [InlineData("0X7F.0.0.1")]
    [InlineData("127.1")]
    [InlineData("127.0.1")]
    [InlineData("0")]
    [InlineData("0.0.0.0")]
    [InlineData("localhost")]
    [InlineData("localhost.")]
    [InlineData("LOCALHOST")]
    [InlineData("LocalHost.")]
    [InlineData("foo.localhost")]
    [InlineData("foo.LOCALHOST.")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("[::ffff:7f00:1]")]
    [InlineData("[0:0:0:0:0:0:0:1]")]
    [InlineData("[::]")]
    [InlineData("[64:ff9b::7f00:1]")]
    [InlineData("[2002:7f00:1::]")]
    public async Task Loopback_IsProhibited_InEverySpelling(string host)
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture(resolver: new Uncached(new SystemResolver()));

        var error = await egress.FailAsync($"{host}:{origin.Port}");

        Assert.Equal("destination_ip_prohibited", error.Token);
        Assert.Equal(403, error.Status);
        Assert.Empty(egress.Connector.Dialed);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("foo.localhost.")]
    public async Task Localhost_IsLoopback_WhateverTheNameServerSays(string host)
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.0/8")]);
        egress.Resolver.Answer("localhost", "93.184.215.14").Answer("foo.localhost", "93.184.215.14");

        await using var connection = await egress.ConnectAsync($"{host}:{origin.Port}");

        Assert.Equal(IPAddress.Loopback, connection.RemoteEndPoint.Address);
        Assert.Empty(egress.Resolver.Asked);
    }

    [Fact]
    public async Task OwnListener_IsProhibited_AlthoughItsAddressIsAllowed()
    {
        using var own = new Origin();
        await using var egress = new EgressFixture(
            [EgressFixture.Allow("127.0.0.0/8"), EgressFixture.Allow("::1", 1)], ownListeners: new PortOf(own.Port));

        var error = await egress.FailAsync($"localhost:{own.Port}");

        Assert.Equal("destination_ip_prohibited", error.Token);
        Assert.Null(error.Setting);
        Assert.Empty(egress.Connector.Dialed);
    }

    private sealed class PortOf(int port) : IOwnListeners
    {
        public bool Contains(IPEndPoint endPoint) => endPoint.Port == port;
    }

    private sealed class Uncached(INameLookup lookup) : IResolver
    {
        public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
            => (await lookup.LookupAsync(name, cancellationToken)).Addresses;
    }
}
