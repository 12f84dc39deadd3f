using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Filtering;

internal static class FilteringExtensions
{
    public static IServiceCollection AddFiltering(this IServiceCollection services)
    {
        services.AddGatewaySection<FilteringOptions, FilteringOptionsValidator>("Gateway:Filtering");
        services.AddSingleton<FilteringMetrics>();
        services.AddSingleton<TrafficFilter>();
        services.AddFilterLists();
        return services;
    }

    /// <summary>Behind authentication, so that a refusal can be told by user; before limits spend a destination's share on what is refused.</summary>
    public static IApplicationBuilder UseTrafficFilter(this IApplicationBuilder app) => app.UseMiddleware<TrafficFilterMiddleware>();
}
