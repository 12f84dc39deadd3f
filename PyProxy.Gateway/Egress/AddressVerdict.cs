namespace PyProxy.Gateway.Egress;

/// <summary>Why an address may be reached or not.</summary>
internal enum AddressReason
{
    /// <summary>A public address that nothing speaks against.</summary>
    Public = 0,

    /// <summary>In <c>AllowedAddresses</c>.</summary>
    AllowedRange,

    /// <summary>The operator's own configuration names the destination.</summary>
    Configured,

    /// <summary>A listener of this gateway.</summary>
    OwnListener,

    /// <summary>In <c>DeniedAddresses</c>.</summary>
    DeniedRange,

    Loopback,

    /// <summary>169.254.0.0/16 and fe80::/10, where clouds keep their metadata services.</summary>
    LinkLocal,

    Multicast,

    /// <summary>Unspecified, broadcast, reserved, documentation, benchmarking: no public destination lives there.</summary>
    SpecialPurpose,

    /// <summary>RFC 1918 and RFC 4193.</summary>
    Private,

    /// <summary>100.64.0.0/10, RFC 6598.</summary>
    SharedAddressSpace,
}

/// <summary>What <see cref="AddressPolicy"/> says of one address.</summary>
internal readonly record struct AddressVerdict(AddressReason Reason)
{
    public bool IsAllowed => Reason <= AddressReason.Configured;

    /// <summary>The setting that would allow the address; <see langword="null"/> where it is allowed, and where nothing would.</summary>
    public string? Setting => IsAllowed || Reason == AddressReason.OwnListener ? null : EgressOptions.AllowedAddressesSetting;

    /// <summary>The kind of address in words, for the sentence "… is {description}".</summary>
    public string Description => Reason switch
    {
        AddressReason.OwnListener => "an address of this gateway itself",
        AddressReason.DeniedRange => "in a range that the gateway's configuration denies",
        AddressReason.Loopback => "a loopback address",
        AddressReason.LinkLocal => "a link-local address",
        AddressReason.Multicast => "a multicast address",
        AddressReason.SpecialPurpose => "a special-purpose address",
        AddressReason.Private => "a private address",
        AddressReason.SharedAddressSpace => "a shared (carrier-grade NAT) address",
        _ => "an allowed address",
    };
}
