using System.Globalization;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What the gateway says of itself in its metrics, at one moment. What it does not say is <see langword="null"/>.</summary>
internal sealed record GatewayVitals
{
    /// <summary>Seconds of processor time that it has used.</summary>
    public double? CpuSeconds { get; private init; }

    public double? Processors { get; private init; }

    public double? MemoryBytes { get; private init; }

    public double? OpenFiles { get; private init; }

    public double? OpenFilesLimit { get; private init; }

    /// <summary>Time spent on exchanges before they were sent on, and the wait for destinations, since the gateway started.</summary>
    public double? GatewaySeconds { get; private init; }

    public double? UpstreamSeconds { get; private init; }

    /// <summary>Decisions of limits that refused, by limit.</summary>
    public IReadOnlyDictionary<string, double> Refusals { get; private init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>Reads Prometheus' text format, of which nothing but names, labels and values matters here.</summary>
    public static GatewayVitals Parse(string metrics)
    {
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        var refusals = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in metrics.AsSpan().EnumerateLines())
        {
            if (line.IsEmpty || line[0] == '#' || !TrySplit(line, out var name, out var labels, out var value))
            {
                continue;
            }

            var key = name.ToString();
            sums[key] = sums.GetValueOrDefault(key) + value;
            if (key == "pyproxy_limiter_decisions_total" && labels.Contains("outcome=\"refused\"", StringComparison.Ordinal))
            {
                var limit = $"{LabelOf(labels, "plan")}: {LabelOf(labels, "limit")}";
                refusals[limit] = refusals.GetValueOrDefault(limit) + value;
            }
        }

        return new GatewayVitals
        {
            CpuSeconds = ValueOf("dotnet_process_cpu_time_seconds_total"),
            Processors = ValueOf("dotnet_process_cpu_count"),
            MemoryBytes = ValueOf("dotnet_process_memory_working_set_bytes"),
            OpenFiles = ValueOf("pyproxy_process_open_files"),
            OpenFilesLimit = ValueOf("pyproxy_process_open_files_limit"),
            GatewaySeconds = ValueOf("pyproxy_request_gateway_duration_seconds_sum"),
            UpstreamSeconds = ValueOf("pyproxy_request_upstream_duration_seconds_sum"),
            Refusals = refusals,
        };

        double? ValueOf(string name) => sums.TryGetValue(name, out var value) ? value : null;
    }

    private static bool TrySplit(ReadOnlySpan<char> line, out ReadOnlySpan<char> name, out ReadOnlySpan<char> labels, out double value)
    {
        var open = line.IndexOf('{');
        var close = line.LastIndexOf('}');
        var end = open < 0 ? line.IndexOf(' ') : open;
        name = end < 0 ? default : line[..end];
        labels = open < 0 || close < open ? default : line[(open + 1)..close];
        var rest = line[((close < open || open < 0 ? end : close) + 1)..].Trim();
        var space = rest.IndexOf(' ');
        return double.TryParse(space < 0 ? rest : rest[..space], NumberStyles.Float, CultureInfo.InvariantCulture, out value) && end > 0;
    }

    private static string LabelOf(ReadOnlySpan<char> labels, string name)
    {
        var start = labels.IndexOf(name + "=\"", StringComparison.Ordinal);
        if (start < 0)
        {
            return "?";
        }

        var value = labels[(start + name.Length + 2)..];
        return value[..Math.Max(0, value.IndexOf('"'))].ToString();
    }
}
