using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.ObjectPool;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// Enforces every plan that applies to a request. For the framework's rate-limiting middleware it is the <c>GlobalLimiter</c>, because that
/// one may change its mind on a reload, while the map of named policies is copied at start-up.
/// </summary>
internal sealed class PlanRateLimiter : PartitionedRateLimiter<HttpContext>
{
    // As many as are in use at once at a busy moment; more are left to the garbage collector.
    private const int MaxPooledLeases = 1024;

    private readonly PlanSelector _selector;
    private readonly ILimiterEngine _engine;
    private readonly BandwidthLimiter _bandwidth;
    private readonly RateLimitFields _fields;
    private readonly LimitsMetrics _metrics;
    private readonly DefaultObjectPool<PlanLease> _leases;

    public PlanRateLimiter(PlanSelector selector, ILimiterEngine engine, BandwidthLimiter bandwidth, RateLimitFields fields, LimitsMetrics metrics)
    {
        _selector = selector;
        _engine = engine;
        _bandwidth = bandwidth;
        _fields = fields;
        _metrics = metrics;
        _leases = new DefaultObjectPool<PlanLease>(new NewLeases(this), MaxPooledLeases);
    }

    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => null;

    /// <summary>Charges the rates for a request that another policy has refused: refused requests consume permits.</summary>
    public async ValueTask ChargeAsync(HttpContext context)
    {
        var lease = Rent();
        try
        {
            var attempt = lease.Attempt;
            Fill(attempt, context, Exchange.Of(context));
            if (!attempt.Plans.IsEmpty)
            {
                attempt.ChargesOnly = true;
                await _engine.AcquireAsync(attempt, CancellationToken.None);
                _metrics.Charged(attempt);
            }
        }
        finally
        {
            lease.Dispose();
        }
    }

    /// <summary>Gives back what a lease holds. Called by the lease, once.</summary>
    internal void End(PlanLease lease)
    {
        var attempt = lease.Attempt;
        if (attempt.HoldsPermits)
        {
            _engine.Release(attempt);
            _metrics.Held(attempt, -1);
        }

        lease.Transfers?.Dispose();
        lease.Transfers = null;
        attempt.Clear();
        _leases.Return(lease);
    }

    /// <summary>What the plans of a request say. What is allowed is to be disposed of when the request ends.</summary>
    internal ValueTask<PlanLease> AskAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        if (exchange.Role == ListenerRole.Admin)
        {
            return new(PlanLease.Free); // whoever looks at an overloaded gateway must get in
        }

        // 1. Which plans apply
        exchange.LimitsAsked = true;
        var lease = Rent();
        Fill(lease.Attempt, context, exchange);
        if (lease.Attempt.Plans.IsEmpty)
        {
            lease.Dispose();
            return new(PlanLease.Free);
        }

        // 2. What they say
        var decision = _engine.AcquireAsync(lease.Attempt, context.RequestAborted);
        return decision.IsCompletedSuccessfully ? new(Conclude(context, lease, decision.Result)) : new(WaitAsync(context, lease, decision));
    }

    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount)
    {
        var asked = AskAsync(resource);
        if (!asked.IsCompletedSuccessfully)
        {
            resource.Features.Set(new Answer(asked.AsTask()));
            return PlanLease.NotYet;
        }

        var lease = asked.Result;
        if (!lease.IsAcquired)
        {
            resource.Features.Set(new Answer(Task.FromResult(lease)));
        }

        return lease;
    }

    // The middleware asks a second time, willing to wait, after a first "no". Nobody pays twice for one request.
    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(HttpContext resource, int permitCount, CancellationToken cancellationToken)
    {
        if (resource.Features.Get<Answer>() is null && AttemptAcquireCore(resource, permitCount) is { IsAcquired: true } lease)
        {
            return lease;
        }

        return await resource.Features.GetRequiredFeature<Answer>().Lease;
    }

    private void Fill(LimitAttempt attempt, HttpContext context, Exchange exchange)
    {
        _selector.Fill(attempt, context, exchange);
        if (attempt.UnknownPlans > 0)
        {
            _metrics.UnknownPlans(attempt.UnknownPlans);
        }
    }

    private async Task<PlanLease> WaitAsync(HttpContext context, PlanLease lease, ValueTask<LimitDecision> decision)
    {
        try
        {
            return Conclude(context, lease, await decision);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private PlanLease Conclude(HttpContext context, PlanLease lease, in LimitDecision decision)
    {
        _fields.Write(context.Response, lease.Attempt, decision);
        if (decision.IsAllowed)
        {
            var exchange = Exchange.Of(context);
            _metrics.Allowed(lease.Attempt);
            if (lease.Attempt.HoldsPermits)
            {
                _metrics.Held(lease.Attempt, 1);
            }

            lease.Transfers = _bandwidth.Begin(lease.Attempt, context.Features.Get<UsageMeter>());
            exchange.Transfers = lease.Transfers;
            if (!lease.Attempt.IsTunnel)
            {
                return lease;
            }

            exchange.HoldUntilEnd(lease); // the middleware would give it back when the request ends, which a tunnel outlives
            return PlanLease.Free;
        }

        lease.Dispose();
        var limit = decision.Limit!;
        _metrics.Refused(limit);
        return PlanLease.Refused(ProxyErrors.TooManyRequests(limit.FullName, decision.After));
    }

    private PlanLease Rent()
    {
        var lease = _leases.Get();
        lease.Begin();
        return lease;
    }

    private sealed class NewLeases(PlanRateLimiter owner) : PooledObjectPolicy<PlanLease>
    {
        public override PlanLease Create() => new(owner);

        public override bool Return(PlanLease obj) => true;
    }

    /// <summary>The answer to a request that could not simply be let through, for the second time the middleware asks.</summary>
    private sealed record Answer(Task<PlanLease> Lease);
}
