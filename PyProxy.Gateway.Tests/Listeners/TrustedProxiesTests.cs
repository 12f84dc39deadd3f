using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Listeners;

public sealed class TrustedProxiesTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.9.9.9/8", "10.1.2.3", true)]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.77", true)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    public void Network_ContainsItsAddresses(string network, string address, bool expected)
    {
        using var trusted = Create(network);
        Assert.Equal(expected, trusted.Contains(IPAddress.Parse(address)));
    }

    [Fact]
    public void UnixDomainSocket_IsTrusted()
    {
        using var trusted = Create();
        Assert.True(trusted.Contains(new UnixDomainSocketEndPoint("/tmp/x")));
        Assert.False(trusted.Contains(new IPEndPoint(IPAddress.Loopback, 1)));
    }

    [Fact]
    public void Reload_TakesEffect()
    {
        var options = new StaticOptions<ListenerOptions>(new ListenerOptions());
        using var trusted = new TrustedProxies(options);
        options.Change(new ListenerOptions { TrustedProxies = ["127.0.0.1"] });
        Assert.True(trusted.Contains(IPAddress.Loopback));
    }

    [Fact]
    public void Validator_NamesEveryMistake()
    {
        var errors = new ConfigurationErrors();
        var options = new ListenerOptions
        {
            TrustedProxies = ["10.0.0.0/8", "10.0.0.0/33", "proxy.example", "fe80::1%eth0", "", "::ffff:10.0.0.0/95"],
            ProxyProtocolTimeout = TimeSpan.Zero,
            SocksHandshakeTimeout = TimeSpan.FromHours(1),
        };
        new ListenerOptionsValidator().Validate(options, "Gateway:Listeners", errors);
        Assert.Equal(
            new List<string>
            {
                "Gateway:Listeners:TrustedProxies:1", "Gateway:Listeners:TrustedProxies:2", "Gateway:Listeners:TrustedProxies:3",
                "Gateway:Listeners:TrustedProxies:4", "Gateway:Listeners:TrustedProxies:5", "Gateway:Listeners:ProxyProtocolTimeout",
                "Gateway:Listeners:SocksHandshakeTimeout",
            },
            errors.All.Select(error => error.Path).ToList());
    }

    private static TrustedProxies Create(params string[] networks)
        => new(new StaticOptions<ListenerOptions>(new ListenerOptions { TrustedProxies = networks }));
}
