using System.ComponentModel;
using PyProxy.Gateway.Telemetry.Log;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Section <c>Gateway:Telemetry</c>. Where metrics, traces and logs go by OTLP is configured by the standard <c>OTEL_*</c> variables.</summary>
internal sealed class TelemetryOptions
{
    public const string Path = "Gateway:Telemetry";

    /// <summary>What the views of the per-user instruments have room for.</summary>
    public const int MostUserSeries = 10_000;

    [Description("The access log: one record per exchange.")]
    public AccessLogOptions AccessLog { get; init; } = new();

    [Description("Which exchanges are traced, where traces are exported at all (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER).")]
    public TraceOptions Traces { get; init; } = new();

    [Description("How many users have metrics of their own; those who come later are counted together as (other). 0 to 10000. Default: 1000.")]
    public int MaxUserSeries { get; init; } = 1000;

    [Description("""
        Whether the framework's instruments for each request (http.server.*, http.client.*, aspnetcore.rate_limiting.*) are collected too. They say
        what the gateway's own say and cost several percent of a small request. Takes effect at the next start. Default: false.
        """)]
    public bool FrameworkRequestMetrics { get; init; }
}

/// <summary>Section <c>Gateway:Telemetry:Traces</c>.</summary>
internal sealed class TraceOptions
{
    [Description("""
        Share of new traces that are recorded, 0 to 1; traces that clients continue are recorded if the client says so (see TraceContext of
        endpoints). Default: none, which leaves the choice to OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
        """)]
    public double? SampleRatio { get; init; }
}
