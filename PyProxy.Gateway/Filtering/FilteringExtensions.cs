using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Filtering.Extension;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Filtering;

internal static class FilteringExtensions
{
    public static IServiceCollection AddFiltering(this IServiceCollection services)
    {
        services.AddOptions<FilteringOptions>().BindConfiguration(FilteringOptions.SectionPath);
        services.AddSingleton<ConfigurationSection>(new FilteringSection(TrafficFilterNames.Of(services)));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<FilteringMetrics>();
        services.AddSingleton<FilteringRecorder>();
        services.AddSingleton<ListRegistry>();
        services.AddSingleton<RuleHits>();
        services.AddSingleton<FilteringRuntime>();
        services.AddSingleton<TrafficFilterHost>();
        services.AddSingleton<TrafficFilter>();
        services.AddSingleton<ResponseFilter>();
        return services;
    }

    /// <summary>Behind authentication, so that a refusal can be told by user; before limits spend a destination's share on what is refused.</summary>
    public static IApplicationBuilder UseTrafficFilter(this IApplicationBuilder app) => app.UseMiddleware<TrafficFilterMiddleware>();
}
