using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Listeners;

namespace PyProxy.Gateway.Tests.Listeners;

public sealed class ForwardedHopsTests
{
    [Theory]
    [InlineData("X-Forwarded-For", "192.0.2.7", "192.0.2.7")]
    [InlineData("X-Forwarded-For", "192.0.2.7:4711", "192.0.2.7")]
    [InlineData("X-Forwarded-For", "1.1.1.1, 192.0.2.7, 10.0.0.2", "192.0.2.7")] // what stands before the first untrusted hop is its own claim
    [InlineData("X-Forwarded-For", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    [InlineData("X-Forwarded-For", "192.0.2.7, unknown, 10.0.0.2", "10.0.0.2")]
    [InlineData("X-Forwarded-For", "10.1", "10.0.0.1")]
    [InlineData("X-Forwarded-For", "::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("Forwarded", "for=192.0.2.7;proto=https;by=10.0.0.1", "192.0.2.7")]
    [InlineData("Forwarded", "for=1.1.1.1, For=\"[2001:db8::1]:4711\"", "2001:db8::1")]
    [InlineData("Forwarded", "for=192.0.2.7;ext=\"a,b\", for=10.0.0.2", "192.0.2.7")]
    [InlineData("Forwarded", "for=192.0.2.7, for=_hidden", "10.0.0.1")]
    [InlineData("Forwarded", "proto=https", "10.0.0.1")]
    public void FieldsOfATrustedPeer_GiveTheFirstUntrustedHop(string field, string value, string expected)
    {
        var headers = new HeaderDictionary { [field] = value };

        Assert.Equal(IPAddress.Parse(expected), Ask(headers));
    }

    [Fact]
    public void SeveralFields_AreReadFromTheLast()
    {
        var headers = new HeaderDictionary { ["X-Forwarded-For"] = new(["1.1.1.1, 192.0.2.7", "10.0.0.2"]) };

        Assert.Equal(IPAddress.Parse("192.0.2.7"), Ask(headers));
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("6.6.6.6", "10.0.0.1")] // one of them came from the client; nobody can tell which
    public void BothFields_AreBelievedOnlyWhereTheyAgree(string standard, string expected)
    {
        var headers = new HeaderDictionary { ["X-Forwarded-For"] = "192.0.2.7", ["Forwarded"] = $"for={standard}" };

        Assert.Equal(IPAddress.Parse(expected), Ask(headers));
    }

    private static IPAddress Ask(HeaderDictionary headers)
    {
        using var trusted = new TrustedProxies(new FixedOptions(new ListenerOptions { TrustedProxies = ["10.0.0.0/8"] }));
        return ForwardedHops.ClientAddress(IPAddress.Parse("10.0.0.1"), headers, trusted);
    }

    private sealed class FixedOptions(ListenerOptions options) : IOptionsMonitor<ListenerOptions>
    {
        public ListenerOptions CurrentValue => options;

        public ListenerOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<ListenerOptions, string?> listener) => null;
    }
}
