using System.Net;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class CidrTests
{
    [Theory]
    [InlineData("10.2.0.0/16", "10.2.255.255", true)]
    [InlineData("10.2.0.0/16", "10.3.0.0", false)]
    [InlineData("10.2.0.0/16", "::ffff:10.2.0.1", true)]
    [InlineData("10.2.0.1", "10.2.0.1", true)]
    [InlineData("10.2.0.1", "10.2.0.2", false)]
    [InlineData("0.0.0.0/0", "1.2.3.4", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("fd00::/8", "fdff::1", true)]
    [InlineData("::/0", "1.2.3.4", false)]
    [InlineData("::1", "::1", true)]
    [InlineData("::ffff:10.0.0.0/104", "10.200.0.1", true)]
    public void Range_ContainsItsAddresses(string range, string address, bool expected)
        => Assert.Equal(expected, Cidr.Parse(range).Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("")]
    [InlineData("example.org")]
    [InlineData("10.2.3.4/16")]
    [InlineData("10.2.0.0/33")]
    [InlineData("10.2.0.0/-1")]
    [InlineData("10.2.0.0/")]
    [InlineData("10.2/16")]
    [InlineData("10.2")]
    [InlineData("2130706433")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("010.0.0.0/8")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fd00::1/8")]
    public void NoRange_IsRefused(string text) => Assert.False(Cidr.TryParse(text, out _));
}
