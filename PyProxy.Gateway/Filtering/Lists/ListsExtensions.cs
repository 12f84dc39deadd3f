using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Filtering.Lists;

internal static class ListsExtensions
{
    /// <summary>The lists that rules name. Needs <c>AddEgress</c>.</summary>
    public static IServiceCollection AddFilterLists(this IServiceCollection services)
    {
        services.AddGatewaySection<ListsOptions, ListsOptionsValidator>(ListsOptions.SectionPath);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ListRegistry>();
        services.AddSingleton<ListStore>();
        services.AddSingleton<ListMetrics>();
        services.AddSingleton<FilterLists>();
        services.AddHostedService(static provider => provider.GetRequiredService<FilterLists>());
        return services;
    }
}
