using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Telemetry.Log;
using PyProxy.Gateway.Telemetry.Traces;
using PyProxy.Gateway.Traffic;

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

    // Whose series are as many as the configuration has rules, limits, clusters, proxies, names.
    private static readonly string[] ByConfiguration =
        ["pyproxy.filter.", "pyproxy.limiter.", "pyproxy.resilience.", "pyproxy.egress.upstream.", "pyproxy.certificate.", "resilience.polly."];

    // Both directions of every series, and the one for the rest.
    private const int ExchangeCardinality = (2 * SeriesTable.MaxSeries) + 100;
    private const int UserCardinality = (2 * TelemetryOptions.MostUserSeries) + 100;

    // Room for series is taken at the start, 150 bytes each: OpenTelemetry's default of 2,000 would be 27 MB for a hundred instruments of which most have a dozen.
    private const int FewSeries = 500;
    private const string FrameworkRequestMetrics = $"{TelemetryOptions.Path}:{nameof(TelemetryOptions.FrameworkRequestMetrics)}";

    /// <summary>The access log, and what the pipeline's first stage (<see cref="UseExchange"/>) records into.</summary>
    public static IServiceCollection AddGatewayTelemetry(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddGatewaySection<TelemetryOptions, TelemetryOptionsValidator>(TelemetryOptions.Path);
        services.AddSingleton<ExchangeMetrics>();
        services.AddSingleton<UserMetrics>();
        services.AddHostedService<ProcessMetrics>();
        services.AddSingleton<LiveExchanges>();
        services.AddSingleton<TraceSampling>();
        services.AddSingleton<ServerSpans>();
        services.AddSingleton<SpanPrivacy>();
        services.AddSingleton<AccessLogMetrics>();
        services.TryAddSingleton<DataDirectory>();
        services.AddSingleton<AccessLogSink>();
        services.AddSingleton<AccessLog>();
        services.AddSingleton<ExchangeRecords>();
        services.AddHostedService(provider => provider.GetRequiredService<AccessLog>());
        services.AddHostedService<InterimRecords>();
        return services;
    }

    /// <summary>First stage of the pipeline: the exchange, its measures and its record. Everything that may answer or throw stands behind it.</summary>
    public static IApplicationBuilder UseExchange(this IApplicationBuilder app) => app.UseMiddleware<ExchangeMiddleware>();

    /// <summary>
    /// Which meters are collected and where they go: always to be scraped (Prometheus, on the admin role), and by OTLP where the standard
    /// variables ask for it. Traces go by OTLP only.
    /// </summary>
    public static IOpenTelemetryBuilder WithGatewayTelemetry(this IOpenTelemetryBuilder builder, IConfiguration configuration)
    {
        builder.ConfigureResource(static resource => resource.Describe());
        builder.WithMetrics(metrics =>
        {
            metrics.AddMeter(Meters);
            metrics.AddView(instrument => ViewOf(instrument, configuration.GetValue<bool>(FrameworkRequestMetrics)));
            metrics.AddPrometheusExporter();
            if (string.IsNullOrEmpty(configuration["OTEL_METRICS_EXEMPLAR_FILTER"]))
            {
                metrics.SetExemplarFilter(ExemplarFilterType.TraceBased);
            }

            if (OtlpSignals.IsWanted(configuration, OtlpSignals.Metrics))
            {
                metrics.AddOtlpExporter();
            }
        });
        if (OtlpSignals.IsWanted(configuration, OtlpSignals.Traces))
        {
            // Which exchanges are recorded has been decided before there is a span.
            builder.WithTracing(static traces => traces
                .AddSource(GatewayTracing.SourceName)
                .SetSampler(new AlwaysOnSampler())
                .AddProcessor<SpanPrivacy>() // in front of the exporter, which takes what the processors before it leave
                .AddOtlpExporter());
        }

        return builder;
    }

    /// <summary>What the gateway is called where nobody has called it otherwise (<c>OTEL_SERVICE_NAME</c>, <c>OTEL_RESOURCE_ATTRIBUTES</c>).</summary>
    internal static ResourceBuilder Describe(this ResourceBuilder resource)
        => resource.Clear()
            .AddService("pyproxy-gateway", serviceVersion: GatewayTracing.Source.Version)
            .AddTelemetrySdk()
            .AddEnvironmentVariableDetector();

    private static MetricStreamConfiguration? ViewOf(Instrument instrument, bool withFrameworkRequests)
    {
        if (instrument.Meter.Name == ExchangeMetrics.MeterName)
        {
            return instrument.Name.StartsWith("pyproxy.user.", StringComparison.Ordinal) ? new() { CardinalityLimit = UserCardinality }
                : instrument.Name.StartsWith("pyproxy.request", StringComparison.Ordinal) ? new() { CardinalityLimit = ExchangeCardinality }
                : FewUnlessConfigured(instrument);
        }

        var isPerRequest = instrument.Name.StartsWith("http.", StringComparison.Ordinal)
            || instrument.Name.StartsWith("aspnetcore.rate_limiting.", StringComparison.Ordinal);
        return isPerRequest && !withFrameworkRequests ? MetricStreamConfiguration.Drop
            : instrument.Name.StartsWith("http.client.", StringComparison.Ordinal) ? new() { TagKeys = ClientTags, CardinalityLimit = FewSeries }
            : instrument.Name == "dns.lookup.duration" ? new() { TagKeys = ["error.type"], CardinalityLimit = FewSeries }
            : FewUnlessConfigured(instrument);
    }

    private static MetricStreamConfiguration? FewUnlessConfigured(Instrument instrument)
        => Array.Exists(ByConfiguration, prefix => instrument.Name.StartsWith(prefix, StringComparison.Ordinal)) ? null : new() { CardinalityLimit = FewSeries };
}
