using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Clients;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Overload;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Redis;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Configuration;

namespace PyProxy.Gateway.Limits;

internal static class LimitsExtensions
{
    /// <summary>Plans, enforced by <see cref="UsePlanLimits"/>, and their names in YARP's <c>RateLimiterPolicy</c>.</summary>
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddGatewaySection<PlansOptions, PlansOptionsValidator>("Gateway:Plans");
        services.AddGatewaySection<LimitsOptions, LimitsOptionsValidator>("Gateway:Limits");
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<LimitsMetrics>();
        services.AddSingleton<PlanDirectory>();
        services.AddSingleton<PlanSelector>();
        services.AddSingleton<RateLimitFields>();
        services.AddSingleton<BandwidthLimiter>();
        services.AddSingleton<MemoryLimiterEngine>();
        services.AddSharedLimits();
        services.AddSingleton<LimitWatch>();
        services.AddSingleton<PlanRateLimiter>();
        services.AddSingleton<FairAdmission>();
        services.AddSingleton<ClientLimits>();
        services.AddSingleton<IConnectionGate>(provider => provider.GetRequiredService<ClientLimits>());
        services.AddRoutePlans();
        services.AddOptions<RateLimiterOptions>().Configure<PlanRateLimiter, RefusalWriter>((options, limiter, refusals) =>
        {
            options.GlobalLimiter = limiter;
            options.OnRejected = (rejected, _) => new ValueTask(refusals.WriteAsync(rejected.HttpContext, ErrorOf(rejected)));
        });
        return services;
    }

    /// <summary>What it takes for routes to name plans; all that validating a candidate's routes needs of limits.</summary>
    public static IServiceCollection AddRoutePlans(this IServiceCollection services)
    {
        services.AddSingleton<IProxyConfigFilter, RoutePlan>();
        return services.AddRateLimiter(_ => { });
    }

    /// <summary>Charges the plans for what the stages behind it refuse before the limits are asked.</summary>
    public static IApplicationBuilder UseRefusedRequestCharge(this IApplicationBuilder app) => app.UseMiddleware<RefusedRequestCharge>();

    /// <summary>Refuses client addresses that ask too often; before authentication, which is what it spares.</summary>
    public static IApplicationBuilder UseClientLimits(this IApplicationBuilder app) => app.UseMiddleware<ClientLimitMiddleware>();

    /// <summary>What <c>UseRateLimiter</c> does, without its second limiter for each request.</summary>
    public static IApplicationBuilder UsePlanLimits(this IApplicationBuilder app) => app.UseMiddleware<PlanLimitsMiddleware>();

    /// <summary>Bounds what is worked on at once, fairly between users.</summary>
    public static IApplicationBuilder UseAdmission(this IApplicationBuilder app) => app.UseMiddleware<AdmissionMiddleware>();

    // A policy that is not ours can only come from somebody's own code.
    private static ProxyError ErrorOf(OnRejectedContext rejected)
        => (rejected.Lease as PlanLease)?.Refusal ?? ProxyErrors.TooManyRequests("rate limiter policy", retryAfter: null);
}
