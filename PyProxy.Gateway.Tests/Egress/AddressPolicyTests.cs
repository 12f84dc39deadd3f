using System.Net;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class AddressPolicyTests
{
    [Theory]
    [InlineData("93.184.215.14")]
    [InlineData("8.8.8.8")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("2606:2800:21f:cb07:6820:80da:af6b:8b2c")]
    [InlineData("64:ff9b::808:808")]
    [InlineData("2002:808:808::1")]
    [InlineData("2001:0:4136:e378:8000:63bf:f7f7:f7f7")] // Teredo client 8.8.8.8
    [InlineData("::ffff:8.8.8.8")]
    public void PublicAddress_IsAllowed(string address) => Assert.Equal(AddressReason.Public, Judge(address).Reason);

    [Theory]
    [InlineData("127.0.0.1", nameof(AddressReason.Loopback))]
    [InlineData("127.255.255.254", nameof(AddressReason.Loopback))]
    [InlineData("::1", nameof(AddressReason.Loopback))]
    [InlineData("10.0.0.1", nameof(AddressReason.Private))]
    [InlineData("172.16.0.1", nameof(AddressReason.Private))]
    [InlineData("172.31.255.255", nameof(AddressReason.Private))]
    [InlineData("192.168.1.1", nameof(AddressReason.Private))]
    [InlineData("fd12:3456::1", nameof(AddressReason.Private))]
    [InlineData("fc00::1", nameof(AddressReason.Private))]
    [InlineData("fec0::1", nameof(AddressReason.Private))]
    [InlineData("100.64.0.1", nameof(AddressReason.SharedAddressSpace))]
    [InlineData("169.254.169.254", nameof(AddressReason.LinkLocal))]
    [InlineData("fe80::1", nameof(AddressReason.LinkLocal))]
    [InlineData("0.0.0.0", nameof(AddressReason.SpecialPurpose))]
    [InlineData("0.1.2.3", nameof(AddressReason.SpecialPurpose))]
    [InlineData("::", nameof(AddressReason.SpecialPurpose))]
    [InlineData("192.0.0.192", nameof(AddressReason.SpecialPurpose))]
    [InlineData("192.0.2.1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("198.18.0.1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("198.51.100.1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("203.0.113.1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("240.0.0.1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("255.255.255.255", nameof(AddressReason.SpecialPurpose))]
    [InlineData("2001:db8::1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("3fff::1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("100::1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("4000::1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("224.0.0.1", nameof(AddressReason.Multicast))]
    [InlineData("ff02::1", nameof(AddressReason.Multicast))]
    public void AddressThatIsNoPublicDestination_IsDenied(string address, string reason)
    {
        var verdict = Judge(address);

        Assert.False(verdict.IsAllowed);
        Assert.Equal(reason, verdict.Reason.ToString());
        Assert.Equal("Gateway:Egress:AllowedAddresses", verdict.Setting);
    }

    [Theory]
    [InlineData("::ffff:127.0.0.1", nameof(AddressReason.Loopback))]
    [InlineData("::ffff:a9fe:a9fe", nameof(AddressReason.LinkLocal))]
    [InlineData("::127.0.0.1", nameof(AddressReason.Loopback))]
    [InlineData("::10.0.0.1", nameof(AddressReason.Private))]
    [InlineData("64:ff9b::7f00:1", nameof(AddressReason.Loopback))]
    [InlineData("64:ff9b::169.254.169.254", nameof(AddressReason.LinkLocal))]
    [InlineData("64:ff9b:1::a00:1", nameof(AddressReason.SpecialPurpose))]
    [InlineData("64:ff9b:1:a00:0:100::", nameof(AddressReason.SpecialPurpose))]
    [InlineData("2002:7f00:1::1", nameof(AddressReason.Loopback))]
    [InlineData("2002:a00:1::", nameof(AddressReason.Private))]
    [InlineData("2002:a9fe:a9fe::", nameof(AddressReason.LinkLocal))]
    [InlineData("2001:0:4136:e378:8000:63bf:80ff:fffe", nameof(AddressReason.Loopback))] // Teredo client 127.0.0.1
    [InlineData("2001::f5ff:fffe", nameof(AddressReason.Private))]                       // Teredo client 10.0.0.1
    public void IPv6AddressThatEmbedsIPv4_IsJudgedByWhatItEmbeds(string address, string reason)
        => Assert.Equal(reason, Judge(address).Reason.ToString());

    [Theory]
    [InlineData("10.2.3.4", "10.2.0.0/16")]
    [InlineData("127.0.0.1", "127.0.0.0/8")]
    [InlineData("::1", "::1")]
    [InlineData("::ffff:10.2.3.4", "10.2.0.0/16")]
    [InlineData("10.2.3.4", "::ffff:10.2.0.0/112")]
    [InlineData("64:ff9b::a02:304", "10.2.0.0/16")]
    [InlineData("64:ff9b:1::1", "64:ff9b:1::/48")]
    [InlineData("169.254.169.254", "169.254.169.254")]
    public void AllowedRange_Opens(string address, string range) => Assert.Equal(AddressReason.AllowedRange, Judge(address, allowed: range).Reason);

    [Theory]
    [InlineData("8.8.8.8", "8.8.8.0/24")]
    [InlineData("::ffff:8.8.8.8", "8.8.8.0/24")]
    [InlineData("64:ff9b::808:808", "8.8.8.0/24")]
    [InlineData("2002:808:808::1", "8.8.8.8")]
    [InlineData("2606:2800::1", "2606::/16")]
    public void DeniedRange_Closes(string address, string range) => Assert.Equal(AddressReason.DeniedRange, Judge(address, denied: range).Reason);

    [Fact]
    public void AllowedAndDenied_IsAllowed()
        => Assert.True(Judge("10.2.3.4", allowed: "10.2.3.4", denied: "10.0.0.0/8").IsAllowed);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::127.0.0.1")]
    public void OwnListener_IsDenied_WhateverIsAllowed(string address)
    {
        var policy = new AddressPolicy([Cidr.Parse("0.0.0.0/0")], [], new Listener(IPEndPoint.Parse("127.0.0.1:8080")));

        var verdict = policy.Judge(new IPEndPoint(IPAddress.Parse(address), 8080), DialPurpose.Forward);

        Assert.Equal(AddressReason.OwnListener, verdict.Reason);
        Assert.Null(verdict.Setting);
        Assert.True(policy.Judge(new IPEndPoint(IPAddress.Parse(address), 8081), DialPurpose.Forward).IsAllowed);
    }

    [Fact]
    public void ConfiguredDestination_IsNotVetted()
    {
        var policy = new AddressPolicy([], [Cidr.Parse("127.0.0.0/8")], new Listener(IPEndPoint.Parse("127.0.0.1:8080")));

        Assert.True(policy.Judge(IPEndPoint.Parse("127.0.0.1:8080"), DialPurpose.Configured).IsAllowed);
    }

    private static AddressVerdict Judge(string address, string? allowed = null, string? denied = null)
        => new AddressPolicy(Ranges(allowed), Ranges(denied), new NoOwnListeners())
            .Judge(new IPEndPoint(IPAddress.Parse(address), 443), DialPurpose.Forward);

    private static Cidr[] Ranges(string? range) => range is null ? [] : [Cidr.Parse(range)];

    private sealed class Listener(IPEndPoint own) : IOwnListeners
    {
        public bool Contains(IPEndPoint endPoint) => endPoint.Equals(own);
    }
}
