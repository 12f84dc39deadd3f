using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Configuration;

namespace PyProxy.Gateway.Limits;

internal static class LimitsExtensions
{
    /// <summary>Plans, enforced by the framework's <c>UseRateLimiter</c>, and their names in YARP's <c>RateLimiterPolicy</c>.</summary>
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddGatewaySection<PlansOptions, PlansOptionsValidator>("Gateway:Plans");
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<LimitsMetrics>();
        services.AddSingleton<PlanRateLimiter>();
        services.AddRoutePlans();
        services.AddOptions<RateLimiterOptions>().Configure<PlanRateLimiter, RefusalWriter>((options, limiter, refusals) =>
        {
            options.GlobalLimiter = limiter;
            options.OnRejected = (rejected, _) => new ValueTask(refusals.WriteAsync(rejected.HttpContext, ErrorOf(rejected.Lease)));
        });
        return services;
    }

    /// <summary>What it takes for routes to name plans; all that validating a candidate's routes needs of limits.</summary>
    public static IServiceCollection AddRoutePlans(this IServiceCollection services)
    {
        services.AddSingleton<IProxyConfigFilter, RoutePlan>();
        return services.AddRateLimiter(_ => { });
    }

    private static ProxyError ErrorOf(RateLimitLease lease) => ProxyErrors.TooManyRequests(
        lease.TryGetMetadata(MetadataName.ReasonPhrase, out var limit) && limit is not null ? limit : "rate limiter policy",
        lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : null);
}
