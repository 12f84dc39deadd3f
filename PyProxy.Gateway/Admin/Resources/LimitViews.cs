using System.Buffers.Binary;
using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>How near its end something is.</summary>
internal enum LimitNearness
{
    /// <summary>Less than four fifths are used.</summary>
    Ok = 0,

    /// <summary>Four fifths are used.</summary>
    Near,

    /// <summary>There is nothing left.</summary>
    Over,
}

/// <summary>The plans that a user has as whoever they are: their own and those of their groups.</summary>
internal sealed class UserPlans(UserStores users, IOptionsMonitor<LimitsOptions> limits)
{
    /// <returns><see langword="null"/> where no store knows the user.</returns>
    /// <exception cref="State.Database.DatabaseUnavailableException">A store that might know the user cannot be asked now.</exception>
    public async Task<IReadOnlyList<string>?> OfAsync(string user, CancellationToken cancellationToken)
        => (await users.FindAsync(user, cancellationToken)).User?.Account is { } account
            ? [.. account.Groups.Select(group => limits.CurrentValue.GroupPlans.GetValueOrDefault(group)).Prepend(account.Plan).OfType<string>()
                .Distinct(StringComparer.OrdinalIgnoreCase)]
            : null;
}

/// <param name="Plan">The plan; <c>clients</c> for what holds per client address.</param>
/// <param name="Limit">The limit, as refusals name it within the plan.</param>
/// <param name="By">Whose and of what.</param>
/// <param name="Used">Permits used or held.</param>
/// <param name="Of">Of so many: a token bucket's burst.</param>
/// <param name="Share">The same as a share, 0 to 1.</param>
/// <param name="State">Whether it is near its end, or over.</param>
/// <param name="FullAgainSeconds">When all permits are back, if nobody asks; of what is held nobody knows.</param>
internal sealed record LimitState(string Plan, string Limit, LimitedBy By, long Used, long Of, double Share, LimitNearness State, double? FullAgainSeconds)
{
    public static LimitState From(SubjectKey subject, LimitUse use) => new(
        use.Limit.Plan,
        use.Limit.Name,
        LimitedBy.From(subject),
        use.Used,
        use.Limit.Burst,
        Math.Round(use.Share, 3),
        NearnessOf(use.Left <= 0, use.Share),
        use.Limit.IsHeld ? null : Math.Round(use.FullAfter.TotalSeconds, 3));

    public static LimitNearness NearnessOf(bool isOver, double share)
        => isOver ? LimitNearness.Over : share >= QuotaCounters.NearShare ? LimitNearness.Near : LimitNearness.Ok;
}

/// <param name="User">Set where it is counted by user, and there is one.</param>
/// <param name="Address">Set where it is counted by client address; IPv6 as /64.</param>
/// <param name="Route">Set where it is counted by route.</param>
/// <param name="Host">Set where it is counted by the host asked for.</param>
internal sealed record LimitedBy(string? User, string? Address, string? Route, string? Host)
{
    public static LimitedBy From(SubjectKey subject)
        => new(subject.User, subject.Address == default ? null : AddressOf(subject.Address), subject.Route, subject.Host);

    private static string AddressOf(UInt128 network)
    {
        if (network == UInt128.MaxValue)
        {
            return "all beyond a million";
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, network);
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4().ToString() : $"{address}/64";
    }
}

/// <param name="Plan">The plan.</param>
/// <param name="Limit">The limit: <c>10MB/s</c>.</param>
/// <param name="Direction">Down is to the client.</param>
/// <param name="By">Whose bytes are added up.</param>
/// <param name="Transfers">Exchanges that run under it.</param>
/// <param name="Waiting">Those of them that wait for their turn at this moment.</param>
internal sealed record BandwidthState(string Plan, string Limit, TransferDirection Direction, LimitedBy By, int Transfers, int Waiting)
{
    public static BandwidthState Of(BandwidthUse use)
        => new(use.Limit.Plan, use.Limit.Name, use.Direction, LimitedBy.From(use.Subject), use.Transfers, use.Waiting);
}

/// <param name="User">The user.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Quota">The quota: <c>200GB/month</c>.</param>
/// <param name="Period">The first day of the period that is now, and its kind.</param>
/// <param name="EndsAt">When it ends.</param>
/// <param name="Used">Bytes or requests used in it, over all gateways on the database.</param>
/// <param name="Amount">Bytes or requests allowed in it, what was raised by hand among them.</param>
/// <param name="Raised">What was raised by hand.</param>
/// <param name="Share">Used of amount.</param>
/// <param name="State">Whether it is near its end, or over.</param>
/// <param name="Then">What happens at its end.</param>
internal sealed record QuotaView(
    string User, string Plan, string Quota, string Period, DateTimeOffset EndsAt, long Used, long Amount, long Raised, double Share, LimitNearness State, QuotaEnd Then)
{
    public static QuotaView Of(QuotaUse use) => new(
        use.User,
        use.Quota.Plan,
        use.Quota.Name,
        use.Period.Name,
        use.Period.End,
        use.Used,
        use.Amount,
        use.Raised,
        Math.Round(use.Share, 3),
        LimitState.NearnessOf(use.Used >= use.Amount, use.Share),
        use.Quota.End);
}

/// <param name="Today">Since midnight, UTC.</param>
/// <param name="ThisMonth">Since the first of the month, UTC.</param>
internal sealed record UsageView(Usage Today, Usage ThisMonth)
{
    public static UsageView Of((Usage Today, Usage Month) usage) => new(usage.Today, usage.Month);

    internal bool IsNone => ThisMonth.IsNone;
}
