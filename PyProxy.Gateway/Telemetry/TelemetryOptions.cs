using System.ComponentModel;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Section <c>Gateway:Telemetry</c>. Exporters of metrics are configured by the standard <c>OTEL_*</c> variables.</summary>
internal sealed class TelemetryOptions
{
    public const string Path = "Gateway:Telemetry";

    [Description("The access log: one record per exchange.")]
    public AccessLogOptions AccessLog { get; init; } = new();
}

/// <summary>Section <c>Gateway:Telemetry:AccessLog</c>.</summary>
internal sealed class AccessLogOptions
{
    /// <summary>The path that means standard output.</summary>
    public const string StandardOutput = "-";

    [Description("How a record is written. Json: one JSON object per line. Default: Json.")]
    public AccessLogFormat Format { get; init; }

    [Description("""
        Where records go: "-" is standard output, any other text a file that is appended to (relative paths lie below Gateway:DataDirectory),
        the empty text turns the access log off. Default: "-".
        """)]
    public string Path { get; init; } = StandardOutput;
}

internal enum AccessLogFormat
{
    /// <summary>One JSON object per line.</summary>
    Json = 0,
}
