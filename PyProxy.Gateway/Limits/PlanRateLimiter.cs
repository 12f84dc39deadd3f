using System.Collections.Frozen;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// Enforces every plan that applies to a request: the user's and the route's. The framework's rate-limiting middleware asks it as its
/// <c>GlobalLimiter</c>, because that one may change its mind on a reload, while the map of named policies is copied at start-up.
/// </summary>
internal sealed class PlanRateLimiter : PartitionedRateLimiter<HttpContext>
{
    private static readonly TimeSpan IdleSweep = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _time;
    private readonly LimitsMetrics _metrics;
    private readonly IDisposable? _subscription;
    private readonly ITimer _sweep;
    private volatile FrozenDictionary<string, Plan> _plans;

    public PlanRateLimiter(IOptionsMonitor<PlansOptions> options, TimeProvider time, LimitsMetrics metrics)
    {
        _time = time;
        _metrics = metrics;
        _plans = Compile(options.CurrentValue, FrozenDictionary<string, Plan>.Empty);
        _subscription = options.OnChange(changed => _plans = Compile(changed, _plans));
        _sweep = time.CreateTimer(static state => ((PlanRateLimiter)state!).DropIdle(), this, IdleSweep, IdleSweep);
    }

    /// <summary>How many subjects have counts at the moment, over all plans.</summary>
    public int SubjectCount => _plans.Values.Sum(plan => plan.SubjectCount);

    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => null;

    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount)
    {
        var exchange = Exchange.Of(resource);
        if (exchange.Role == ListenerRole.Admin)
        {
            return PlanLease.Allowed; // whoever looks at an overloaded gateway must get in
        }

        var userPlan = resource.User.FindFirst(GatewayClaimTypes.Plan)?.Value;
        var routePlan = RoutePlan.Of(resource.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config);
        if (userPlan is null && routePlan is null)
        {
            return PlanLease.Allowed;
        }

        var subject = LimitSubject.Of(exchange);
        var lease = userPlan is null ? PlanLease.Allowed : Take(userPlan, subject);
        if (routePlan is not null && !string.Equals(routePlan, userPlan, StringComparison.OrdinalIgnoreCase))
        {
            // Asked even when the user's plan has refused: refused requests consume permits of every plan.
            var second = Take(routePlan, subject);
            lease = lease.IsAcquired ? second : lease;
        }

        if (!lease.IsAcquired)
        {
            resource.Features.Set(lease);
        }

        return lease;
    }

    // The middleware asks a second time, willing to wait, after a first "no". Nothing waits here, and nobody pays twice for one request.
    protected override ValueTask<RateLimitLease> AcquireAsyncCore(HttpContext resource, int permitCount, CancellationToken cancellationToken)
        => new(resource.Features.Get<PlanLease>() ?? AttemptAcquireCore(resource, permitCount));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _subscription?.Dispose();
            _sweep.Dispose();
        }

        base.Dispose(disposing);
    }

    private PlanLease Take(string planName, LimitSubject subject)
    {
        if (!_plans.TryGetValue(planName, out var plan))
        {
            // Validation keeps users and routes from naming such a plan; the name is not repeated, for a claim could say anything.
            _metrics.Decided("unknown_plan", "");
            return PlanLease.Allowed;
        }

        if (plan.Take(subject, _time, out var retryAfter) is not { } limit)
        {
            _metrics.Decided("allowed", plan.Name);
            return PlanLease.Allowed;
        }

        _metrics.Decided("refused", plan.Name);
        return new PlanLease($"plan {plan.Name}: {limit.Name}", retryAfter);
    }

    private void DropIdle()
    {
        foreach (var plan in _plans.Values)
        {
            plan.DropIdle(_time);
        }
    }

    private static FrozenDictionary<string, Plan> Compile(PlansOptions options, FrozenDictionary<string, Plan> current)
    {
        var plans = new Dictionary<string, Plan>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, plan) in options)
        {
            var rates = RatesOf(name, plan);
            plans[name] = current.TryGetValue(name, out var same) && same.HasRates(rates) ? same : new Plan(name, rates);
        }

        return plans.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private static Rate[] RatesOf(string name, PlanOptions plan)
    {
        var rates = new Rate[plan.Rates.Count];
        for (var i = 0; i < rates.Length; i++)
        {
            // Leaving out what does not parse would mean no limit; validation has seen it before, so this is a bug.
            rates[i] = Rate.TryParse(plan.Rates[i], out var rate)
                ? rate
                : throw new InvalidOperationException($"Gateway:Plans:{name}:Rates:{i} was not validated.");
        }

        return rates;
    }
}
