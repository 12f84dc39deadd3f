using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

internal static class ConfigurationHostExtensions
{
    /// <summary>
    /// Makes the validated snapshot the application's only configuration and keeps it current. Everything that the builder had read by
    /// itself, the raw file above all, is dropped: a second source would let an unjudged value through.
    /// </summary>
    public static WebApplicationBuilder UseGatewayConfiguration(this WebApplicationBuilder builder, GatewayConfiguration configuration)
    {
        builder.Configuration.Sources.Clear();
        builder.Configuration.Sources.Add(configuration.Snapshot);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddSingleton<ISettingPlaces>(configuration);
        builder.Services.AddSingleton(services =>
            new ConfigurationStatus(configuration.Loader.File.DisplayName, services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<ConfigurationMetrics>();
        builder.Services.AddSingleton<ConfigurationReloader>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ConfigurationReloader>());
        return builder;
    }
}
