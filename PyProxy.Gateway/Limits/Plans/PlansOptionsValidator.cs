using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits.Plans;

internal sealed class PlansOptionsValidator : ISectionValidator<PlansOptions>
{
    private const int MaxAtOnce = 1_000_000;

    public void Validate(PlansOptions options, string path, ConfigurationErrors errors)
    {
        foreach (var (name, plan) in options)
        {
            var at = $"{path}:{name}";
            if (name.Equals("default", StringComparison.OrdinalIgnoreCase) || name.Equals("disable", StringComparison.OrdinalIgnoreCase))
            {
                errors.Add(at, "this name means something else where routes name a plan (RateLimiterPolicy of YARP); choose another.");
            }

            Rates(name, plan, $"{at}:{nameof(plan.Rates)}", errors);
            Held(plan, at, errors);
            Bandwidth(name, plan.Bandwidth, $"{at}:{nameof(plan.Bandwidth)}", errors);
            Quotas(name, plan, $"{at}:{nameof(plan.Quotas)}", errors);
        }
    }

    private static void Rates(string name, PlanOptions plan, string path, ConfigurationErrors errors)
    {
        var limits = new List<Limit>();
        for (var i = 0; i < plan.Rates.Count; i++)
        {
            if (!LimitParser.TryParseRate(name, plan.Rates[i], out var limit))
            {
                errors.Add($"{path}:{i}", $"\"{plan.Rates[i]}\" is no rate; write {LimitParser.RateForm}.");
                continue;
            }

            if (limits.Exists(limit.Continues) && limits.Exists(other => other.Name == limit.Name))
            {
                errors.Add($"{path}:{i}", $"the rate {limit.Name} is there twice.");
            }

            limits.Add(limit);
            if (limits.Find(other => Contradict(other, limit) || Contradict(limit, other)) is { } contradicted)
            {
                errors.Add($"{path}:{i}", $"{limit.Name} and {contradicted.Name} contradict each other: the one that allows fewer in the longer time makes the other meaningless.");
            }
        }
    }

    /// <summary>Whether <paramref name="narrow"/> can never be reached, because <paramref name="wide"/> allows no more in a longer time.</summary>
    private static bool Contradict(Limit narrow, Limit wide)
        => narrow.Key == wide.Key && narrow.Window < wide.Window && narrow.Amount >= wide.Burst;

    private static void Held(PlanOptions plan, string path, ConfigurationErrors errors)
    {
        InRange(plan.Concurrency, nameof(plan.Concurrency));
        InRange(plan.Tunnels, nameof(plan.Tunnels));
        if (plan.ConcurrencyPer is not { } key)
        {
            return;
        }

        if (!LimitText.TryParseKey(key, out _))
        {
            errors.Add($"{path}:{nameof(plan.ConcurrencyPer)}",
                $"\"{key}\" is no key; write user, address, route, host, a combination such as user+host, or everyone.");
        }
        else if (plan.Concurrency is null && plan.Tunnels is null)
        {
            errors.Add($"{path}:{nameof(plan.ConcurrencyPer)}", "has no effect without Concurrency or Tunnels.");
        }

        void InRange(int? value, string name)
        {
            if (value is < 1 or > MaxAtOnce)
            {
                errors.Add($"{path}:{name}", $"{value} is out of range; write 1 to {MaxAtOnce}, or leave it out for no limit.");
            }
        }
    }

    private static void Bandwidth(string name, BandwidthOptions? bandwidth, string path, ConfigurationErrors errors)
    {
        One(bandwidth?.Down, nameof(BandwidthOptions.Down));
        One(bandwidth?.Up, nameof(BandwidthOptions.Up));

        void One(string? text, string direction)
        {
            if (text is not null && !LimitParser.TryParseBandwidth(name, text, out _))
            {
                errors.Add($"{path}:{direction}", $"\"{text}\" is no bandwidth; write {LimitParser.BandwidthForm}.");
            }
        }
    }

    private static bool Contradict(QuotaLimit narrow, QuotaLimit wide)
        => narrow.CountsBytes == wide.CountsBytes && narrow.Period < wide.Period && narrow.Amount >= wide.Amount;

    private static bool IsNoSlower(BandwidthLimit slow, string? bandwidth)
        => bandwidth is not null && LimitParser.TryParseBandwidth(slow.Plan, bandwidth, out var limit) && slow.BytesPerSecond >= limit.BytesPerSecond;

    private static void Quotas(string name, PlanOptions plan, string path, ConfigurationErrors errors)
    {
        var quotas = new List<QuotaLimit>();
        for (var i = 0; i < plan.Quotas.Count; i++)
        {
            if (!LimitParser.TryParseQuota(name, plan.Quotas[i], out var quota))
            {
                errors.Add($"{path}:{i}", LimitParser.UnknownZoneIn(plan.Quotas[i]) is { } zone
                    ? $"there is no time zone \"{zone}\" on this machine; write one as Europe/Berlin."
                    : $"\"{plan.Quotas[i]}\" is no quota; write {LimitParser.QuotaForm}.");
                continue;
            }

            if (quotas.Exists(other => other.CountsBytes == quota.CountsBytes && other.Period == quota.Period))
            {
                errors.Add($"{path}:{i}", $"there is a quota of {(quota.CountsBytes ? "bytes" : "requests")} for a {quota.Period.ToString().ToLowerInvariant()} already.");
            }

            if (quotas.Find(other => Contradict(other, quota) || Contradict(quota, other)) is { } contradicted)
            {
                errors.Add($"{path}:{i}", $"{quota.Name} and {contradicted.Name} contradict each other: the one that allows no more in the longer time makes the other meaningless.");
            }

            if (quota.Slow is { } slow && (IsNoSlower(slow, plan.Bandwidth?.Down) || IsNoSlower(slow, plan.Bandwidth?.Up)))
            {
                errors.Add($"{path}:{i}", "\"then slow\" is no slower than the plan's Bandwidth.");
            }

            quotas.Add(quota);
        }
    }
}
