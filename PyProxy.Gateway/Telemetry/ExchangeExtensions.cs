using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PyProxy.Gateway.Telemetry;

internal static class ExchangeExtensions
{
    /// <summary>What <see cref="UseExchange"/> needs.</summary>
    public static IServiceCollection AddExchanges(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ExchangeMetrics>();
        return services;
    }

    /// <summary>First stage of the pipeline: the exchange, its measures and its record. Everything that may answer or throw stands behind it.</summary>
    public static IApplicationBuilder UseExchange(this IApplicationBuilder app) => app.UseMiddleware<ExchangeMiddleware>();
}
