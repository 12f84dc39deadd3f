using System.Net;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>The client comes from one of several ranges.</summary>
internal sealed class ClientCondition(string path, IPNetwork[] ranges) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts) => AddressRanges.Evaluate(ranges, facts.Client);

    public override string Asked(in Facts facts) => facts.Client?.ToString() ?? "an unknown address";
}

/// <summary>A list has the client's address.</summary>
internal sealed class ClientListCondition(string path, ListSlot[] lists) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts) => AddressRanges.Evaluate(lists, facts.Client);

    public override string Asked(in Facts facts) => facts.Client?.ToString() ?? "an unknown address";
}

/// <summary>
/// A condition about the address that would be dialed. It is not known while the rules are asked; what each of a rule's conditions says of an
/// address is one bit, and the rest of the rule is settled by then.
/// </summary>
internal abstract class DialedAddressCondition(string path) : Condition(path)
{
    /// <summary>Which bit, among the rule's conditions about the address.</summary>
    public int Bit { get; set; }

    public override bool AsksAddress => true;

    public abstract bool Holds(IPAddress address);

    public sealed override Outcome Evaluate(in Facts facts)
    {
        if (facts.SupposedAddress is { } supposed)
        {
            return ((supposed >> Bit) & 1) == 1 ? Outcome.Yes : Outcome.No;
        }

        return facts.Address is not { } address ? Outcome.Unknown : Holds(address) ? Outcome.Yes : Outcome.No;
    }

    public sealed override string Asked(in Facts facts) => facts.Address?.ToString() ?? "known when the gateway dials";
}

/// <summary>The address that would be dialed lies in one of several ranges.</summary>
internal sealed class AddressCondition(string path, IPNetwork[] ranges) : DialedAddressCondition(path)
{
    public override bool Holds(IPAddress address) => AddressRanges.Contain(ranges, address);
}

/// <summary>A list has the address that would be dialed.</summary>
internal sealed class AddressListCondition(string path, ListSlot[] lists) : DialedAddressCondition(path)
{
    public IReadOnlyList<ListSlot> Lists => lists;

    public override bool Holds(IPAddress address) => AddressRanges.Contain(lists, address);
}

internal static class AddressRanges
{
    public static Outcome Evaluate(IPNetwork[] ranges, IPAddress? address)
        => address is null ? Outcome.Unknown : Contain(ranges, address) ? Outcome.Yes : Outcome.No;

    public static Outcome Evaluate(ListSlot[] lists, IPAddress? address)
        => address is null ? Outcome.Unknown : Contain(lists, address) ? Outcome.Yes : Outcome.No;

    public static bool Contain(IPNetwork[] ranges, IPAddress address)
    {
        foreach (var range in ranges)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    public static bool Contain(ListSlot[] lists, IPAddress address)
    {
        foreach (var list in lists)
        {
            if (list.Content.Addresses is { } addresses && addresses.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
