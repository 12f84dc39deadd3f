using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>How much of a quota a user has used in the period that is now, over all gateways on the database.</summary>
internal sealed record QuotaUse(string User, QuotaLimit Quota, QuotaPeriodRange Period, long Used, long Raised)
{
    public long Amount => Quota.Amount + Raised;

    public double Share => Amount <= 0 ? 1 : (double)Used / Amount;
}

/// <summary>Shows the operator what users have used, from the ledger.</summary>
internal sealed class QuotaWatch(PlanDirectory plans, UsageLedger ledger, UsageStore store, TimeProvider time)
{
    /// <summary>What a user has used today and this month; days are those of UTC, as in the ledger.</summary>
    /// <exception cref="State.Database.DatabaseUnavailableException">The database is away.</exception>
    public async Task<(Usage Today, Usage Month)> UsageAsync(string user, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        return (
            await ledger.SinceAsync(user, today, cancellationToken),
            await ledger.SinceAsync(user, new DateOnly(today.Year, today.Month, 1), cancellationToken));
    }

    /// <summary>A user's quotas: those of their own plans, used or not, and those of other plans that they have used of.</summary>
    /// <exception cref="State.Database.DatabaseUnavailableException">The database is away.</exception>
    public async Task<IReadOnlyList<QuotaUse>> OfUserAsync(string user, IReadOnlyCollection<string> ownPlans, CancellationToken cancellationToken)
    {
        var quotas = plans.All.SelectMany(static plan => plan.Quotas).ToList();
        if (quotas.Count == 0)
        {
            return [];
        }

        await ledger.FlushAsync(cancellationToken);
        var now = time.GetUtcNow();
        var rows = await store.CountersAsync([.. quotas.Select(quota => QuotaCounter.NameOf(user, quota))], cancellationToken);
        var uses = new List<QuotaUse>();
        foreach (var quota in quotas)
        {
            var period = QuotaPeriodRange.At(quota, now);
            var row = rows.FirstOrDefault(row => row.Counter == QuotaCounter.NameOf(user, quota) && row.Period == period.Name);
            if (row is not null || ownPlans.Contains(quota.Plan, StringComparer.OrdinalIgnoreCase))
            {
                uses.Add(new QuotaUse(user, quota, period, row?.Used ?? 0, row?.Raised ?? 0));
            }
        }

        return uses;
    }

    /// <summary>Who has used at least this share of a quota in the period that is now.</summary>
    /// <exception cref="State.Database.DatabaseUnavailableException">The database is away.</exception>
    public async Task<IReadOnlyList<QuotaUse>> NearAsync(double share, int most, CancellationToken cancellationToken)
    {
        var uses = new List<QuotaUse>();
        foreach (var quota in plans.All.SelectMany(static plan => plan.Quotas))
        {
            await ledger.FlushAsync(cancellationToken);
            var period = QuotaPeriodRange.At(quota, time.GetUtcNow());
            foreach (var row in await store.CountersOverAsync(quota, period.Name, (long)(quota.Amount * share), most, cancellationToken))
            {
                if (QuotaCounter.TryParseUser(row.Counter, quota, out var user)
                    && new QuotaUse(user, quota, period, row.Used, row.Raised) is var use && use.Share >= share)
                {
                    uses.Add(use);
                }
            }
        }

        return uses;
    }
}
