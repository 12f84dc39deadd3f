using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Resources;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>
/// Sends records by OTLP: the fields of a line become attributes. Never gives the SDK's queue more than it holds, because what it drops it does
/// not count. Used by the log's one writer only.
/// </summary>
internal sealed class OtlpRecords : IDisposable
{
    public const string Category = "PyProxy.Gateway.AccessLog";

    private readonly ILoggerFactory _factory;
    private readonly ILogger _logger;
    private readonly AccessLogMetrics _metrics;
    private readonly int _room;
    private long _taken;
    private long _sent;

    public OtlpRecords(IConfiguration configuration, AccessLogMetrics metrics)
    {
        _metrics = metrics;
        _room = Number(configuration, "OTEL_BLRP_MAX_QUEUE_SIZE", 2048);
        var batch = Math.Min(Number(configuration, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 512), _room);
        var delay = Number(configuration, "OTEL_BLRP_SCHEDULE_DELAY", 1000);
        var exporter = new OtlpLogExporter(Endpoint(configuration));
        _factory = LoggerFactory.Create(logging =>
        {
            logging.Services.AddSingleton(configuration); // where the SDK looks for the service's name
            logging.AddOpenTelemetry(options =>
            {
                options.SetResourceBuilder(ResourceBuilder.CreateEmpty().Describe());
                options.IncludeFormattedMessage = true;
                options.AddProcessor(new TraceOfAttributes());
                options.AddProcessor(new BatchLogRecordExportProcessor(
                    new CountingExporter(this, exporter), _room, delay, Number(configuration, "OTEL_BLRP_EXPORT_TIMEOUT", 30_000), batch));
                options.AddProcessor(new Introduction(exporter));
            });
        });
        _logger = _factory.CreateLogger(Category);
    }

    /// <param name="lines">Whole lines of JSON.</param>
    public void Send(ReadOnlySpan<byte> lines)
    {
        while (lines.IndexOf((byte)'\n') is >= 0 and var end)
        {
            if (_taken - Interlocked.Read(ref _sent) >= _room)
            {
                _metrics.QueueFull();
            }
            else
            {
                _taken++;
                var attributes = Attributes(lines[..end]);
                _logger.Log(LogLevel.Information, default, attributes, exception: null, static (attributes, _) => Summary(attributes));
            }

            lines = lines[(end + 1)..];
        }
    }

    public void Dispose() => _factory.Dispose();

    private static int Number(IConfiguration configuration, string name, int otherwise)
        => int.TryParse(configuration[name], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : otherwise;

    /// <summary>As the SDK's own extension reads the variables, which lets nobody stand between it and its exporter.</summary>
    private static OtlpExporterOptions Endpoint(IConfiguration configuration)
    {
        var options = new OtlpExporterOptions();
        string? Setting(string name) => configuration[$"OTEL_EXPORTER_OTLP_LOGS_{name}"] ?? configuration[$"OTEL_EXPORTER_OTLP_{name}"];

        options.Protocol = Setting("PROTOCOL") == "http/protobuf" ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        if (Setting("HEADERS") is { } headers)
        {
            options.Headers = headers;
        }

        if (int.TryParse(Setting("TIMEOUT"), NumberStyles.None, CultureInfo.InvariantCulture, out var timeout))
        {
            options.TimeoutMilliseconds = timeout;
        }

        if (Uri.TryCreate(configuration["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"], UriKind.Absolute, out var own))
        {
            options.Endpoint = own;
        }
        else if (Uri.TryCreate(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"], UriKind.Absolute, out var common))
        {
            options.Endpoint = options.Protocol == OtlpExportProtocol.HttpProtobuf ? new Uri($"{common.AbsoluteUri.TrimEnd('/')}/v1/logs") : common;
        }

        return options;
    }

    private static List<KeyValuePair<string, object?>> Attributes(ReadOnlySpan<byte> line)
    {
        var attributes = new List<KeyValuePair<string, object?>>(24);
        var json = new Utf8JsonReader(line);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString()!;
            json.Read();
            attributes.Add(new(name, json.TokenType switch
            {
                JsonTokenType.String => json.GetString(),
                JsonTokenType.True => true,
                JsonTokenType.Number when json.TryGetInt64(out var whole) => whole,
                JsonTokenType.Number => json.GetDouble(),
                _ => Words(ref json),
            }));
        }

        return attributes;
    }

    private static string[] Words(ref Utf8JsonReader json)
    {
        var words = new List<string>();
        while (json.Read() && json.TokenType == JsonTokenType.String)
        {
            words.Add(json.GetString()!);
        }

        return [.. words];
    }

    private static string Summary(List<KeyValuePair<string, object?>> attributes)
        => $"{Find(attributes, "method")} {Find(attributes, "target")} {Find(attributes, "status")}";

    private static object? Find(List<KeyValuePair<string, object?>> attributes, string name) => attributes.Find(attribute => attribute.Key == name).Value;

    /// <summary>Gives a record the trace that its line names: there is no current one on the writer's thread.</summary>
    private sealed class TraceOfAttributes : BaseProcessor<LogRecord>
    {
        public override void OnEnd(LogRecord data)
        {
            foreach (var (name, value) in data.Attributes ?? [])
            {
                if (name == "trace_id" && value is string { Length: 32 } trace)
                {
                    data.TraceId = ActivityTraceId.CreateFromString(trace);
                    data.TraceFlags = ActivityTraceFlags.Recorded;
                }
                else if (name == "span_id" && value is string { Length: 16 } span)
                {
                    data.SpanId = ActivitySpanId.CreateFromString(span);
                    return; // the latter of both
                }
            }
        }
    }

    /// <summary>Exports nothing: it only lets the exporter know its provider, and so the service's name, which no wrapper may do.</summary>
    private sealed class Introduction(OtlpLogExporter exporter) : BaseExportProcessor<LogRecord>(exporter)
    {
        protected override void OnExport(LogRecord data)
        {
            // Others do.
        }
    }

    /// <summary>Counts what has left the queue, and what of it was lost.</summary>
    private sealed class CountingExporter(OtlpRecords owner, OtlpLogExporter inner) : BaseExporter<LogRecord>
    {
        public override ExportResult Export(in Batch<LogRecord> batch)
        {
            var count = (int)batch.Count;
            var result = inner.Export(batch);
            if (result != ExportResult.Success)
            {
                owner._metrics.NotWritten(count);
            }

            Interlocked.Add(ref owner._sent, count);
            return result;
        }

        protected override bool OnForceFlush(int timeoutMilliseconds) => inner.ForceFlush(timeoutMilliseconds);

        protected override bool OnShutdown(int timeoutMilliseconds) => inner.Shutdown(timeoutMilliseconds);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
