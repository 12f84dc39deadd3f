using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Telemetry;

internal static class TelemetryExtensions
{
    // Built-in meters by name; "*" would bring meters in that nobody has looked at, cardinality included.
    private static readonly string[] Meters =
    [
        ExchangeMetrics.MeterName,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.RateLimiting",
        "Microsoft.AspNetCore.Authentication",
        "Microsoft.AspNetCore.Authorization",
        "System.Net.Http",
        "System.Net.NameResolution",
        "System.Runtime",
        "Polly",
    ];

    // All that HttpClient's instruments say, except whom they talk to: on a forward proxy that is whatever strangers ask for.
    private static readonly string[] ClientTags =
        ["http.request.method", "http.response.status_code", "http.connection.state", "network.protocol.version", "url.scheme", "error.type"];

    /// <summary>The access log, and what the pipeline's first stage (<see cref="UseExchange"/>) records into.</summary>
    public static IServiceCollection AddGatewayTelemetry(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddGatewaySection<TelemetryOptions, TelemetryOptionsValidator>(TelemetryOptions.Path);
        services.AddSingleton<ExchangeMetrics>();
        services.AddSingleton<LiveExchanges>();
        services.AddSingleton<AccessLogMetrics>();
        services.TryAddSingleton<DataDirectory>();
        services.AddSingleton<AccessLogSink>();
        services.AddSingleton<AccessLog>();
        services.AddSingleton<ExchangeRecords>();
        services.AddHostedService(provider => provider.GetRequiredService<AccessLog>());
        return services;
    }

    /// <summary>First stage of the pipeline: the exchange, its measures and its record. Everything that may answer or throw stands behind it.</summary>
    public static IApplicationBuilder UseExchange(this IApplicationBuilder app) => app.UseMiddleware<ExchangeMiddleware>();

    /// <summary>
    /// Which meters are collected and where they go: always to be scraped (Prometheus, on the admin role), and by OTLP where the standard
    /// variables ask for it.
    /// </summary>
    public static IOpenTelemetryBuilder WithGatewayMetrics(this IOpenTelemetryBuilder builder, IConfiguration configuration)
        => builder.WithMetrics(metrics =>
        {
            metrics.AddMeter(Meters);
            metrics.AddView("dns.lookup.duration", new MetricStreamConfiguration { TagKeys = ["error.type"] });
            metrics.AddView("http.client.*", new MetricStreamConfiguration { TagKeys = ClientTags });
            metrics.AddPrometheusExporter();
            if (WantsOtlp(configuration))
            {
                metrics.AddOtlpExporter();
            }
        });

    private static bool WantsOtlp(IConfiguration configuration)
    {
        if (configuration["OTEL_METRICS_EXPORTER"] is { Length: > 0 } exporters)
        {
            return exporters.Split(',', StringSplitOptions.TrimEntries).Contains("otlp", StringComparer.OrdinalIgnoreCase);
        }

        return !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])
            || !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"]);
    }
}
