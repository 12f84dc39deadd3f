namespace PyProxy.Gateway.Telemetry;

/// <summary>Which signals the standard variables ask to be sent by OTLP.</summary>
internal static class OtlpSignals
{
    public const string Metrics = "METRICS";
    public const string Traces = "TRACES";
    public const string Logs = "LOGS";

    /// <summary>
    /// By <c>OTEL_{signal}_EXPORTER</c> where it is set, otherwise wherever there is an endpoint: nobody wants attempts at localhost:4317
    /// from a gateway that was not told of a collector.
    /// </summary>
    public static bool IsWanted(IConfiguration configuration, string signal)
    {
        if (Says(configuration, signal) is { } said)
        {
            return said;
        }

        return !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])
            || !string.IsNullOrEmpty(configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"]);
    }

    /// <summary>Whether they say that it is not to be, which also holds against a setting of the gateway's that asks for it.</summary>
    public static bool IsForbidden(IConfiguration configuration, string signal) => Says(configuration, signal) is false;

    private static bool? Says(IConfiguration configuration, string signal)
    {
        if (string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        return configuration[$"OTEL_{signal}_EXPORTER"] is { Length: > 0 } exporters
            ? exporters.Split(',', StringSplitOptions.TrimEntries).Contains("otlp", StringComparer.OrdinalIgnoreCase)
            : null;
    }
}
