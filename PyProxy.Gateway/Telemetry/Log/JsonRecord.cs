using System.Buffers;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>
/// Writes a record as one line of JSON. Holds nothing that a client sent as a secret: no header fields, no user information of a URI, no query
/// unless asked for. What a client chose is escaped, so that it can neither end the line nor steer a terminal.
/// </summary>
internal static class JsonRecord
{
    // Relaxed: a log is not a web page, so + and & stay legible. Control characters, quotes and line separators are still escaped.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public static void Write(ArrayBufferWriter<byte> buffer, in AccessRecord record, RecordFields fields)
    {
        var json = _writer ??= new Utf8JsonWriter(buffer, Options);
        json.Reset(buffer);

        var exchange = record.Exchange;
        json.WriteStartObject();
        json.WriteString("time"u8, record.Time.UtcDateTime);
        json.WriteString("id"u8, exchange.Id);
        if (exchange.Trace is { } trace)
        {
            Optional(json, "trace_id"u8, fields.Apply(AccessLogField.TraceId, trace.TraceId.ToHexString()));
            Optional(json, "span_id"u8, fields.Apply(AccessLogField.TraceId, trace.SpanId.ToHexString()));
        }

        json.WriteString("role"u8, exchange.Role.Name());
        Optional(json, "endpoint"u8, fields.Apply(AccessLogField.Endpoint, exchange.Endpoint));
        json.WriteString("way_in"u8, exchange.WayIn.Name());
        WriteClient(json, exchange.ClientAddress, fields);
        Optional(json, "user"u8, fields.Apply(AccessLogField.User, exchange.User));
        Optional(json, "auth_scheme"u8, fields.Apply(AccessLogField.AuthScheme, exchange.AuthenticationScheme));
        Optional(json, "method"u8, fields.Apply(AccessLogField.Method, record.Method));
        WriteTarget(json, record, fields);
        Optional(json, "protocol"u8, record.Protocol);
        json.WriteNumber("status"u8, record.Outcome.Status);
        json.WriteString("verdict"u8, exchange.Verdict.Name());
        Optional(json, "decided_by"u8, fields.Apply(AccessLogField.DecidedBy, record.DecidedBy));
        Optional(json, "error"u8, exchange.Error?.Token);
        if (record.Outcome.Aborted)
        {
            json.WriteBoolean("aborted"u8, true);
        }

        if (record.IsInterim)
        {
            json.WriteBoolean("interim"u8, true);
        }

        WriteMeasures(json, record);
        Optional(json, "route"u8, fields.Apply(AccessLogField.Route, exchange.Route));
        Optional(json, "cluster"u8, fields.Apply(AccessLogField.Cluster, exchange.Cluster));
        Optional(json, "destination"u8, fields.Apply(AccessLogField.Destination, exchange.Destination));
        if (exchange.Attempts > 0)
        {
            json.WriteNumber("attempts"u8, exchange.Attempts);
        }

        WriteTags(json, exchange, fields);
        json.WriteEndObject();
        json.Flush();
        buffer.Write("\n"u8);
    }

    private static void WriteMeasures(Utf8JsonWriter json, in AccessRecord record)
    {
        json.WriteNumber("bytes_in"u8, record.Exchange.BytesIn);
        json.WriteNumber("bytes_out"u8, record.Exchange.BytesOut);
        json.WriteNumber("duration_ms"u8, Math.Round(record.Outcome.Duration.TotalMilliseconds, 3));
        if (record.Outcome.UpstreamTime is { } upstream)
        {
            json.WriteNumber("upstream_ms"u8, Math.Round(upstream.TotalMilliseconds, 3));
        }
    }

    private static void Optional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteClient(Utf8JsonWriter json, IPAddress? address, RecordFields fields)
    {
        if (!fields.IsPlain(AccessLogField.Client))
        {
            Optional(json, "client"u8, fields.Apply(address));
            return;
        }

        Span<byte> text = stackalloc byte[65]; // the longest IPv6 text with a zone
        if (address is not null && address.TryFormat(text, out var length))
        {
            json.WriteString("client"u8, text[..length]);
        }
    }

    private static void WriteTarget(Utf8JsonWriter json, in AccessRecord record, RecordFields fields)
    {
        var target = AccessLogTarget.Of(record.Context, record.Exchange, fields.Queries);
        if (!fields.IsPlain(AccessLogField.Target))
        {
            Optional(json, "target"u8, fields.Apply(AccessLogField.Target, target.ToString()));
            return;
        }

        json.WritePropertyName("target"u8);
        if (!target.Scheme.IsEmpty)
        {
            json.WriteStringValueSegment(target.Scheme, isFinalSegment: false);
            json.WriteStringValueSegment("://", isFinalSegment: false);
        }

        json.WriteStringValueSegment(target.Authority, isFinalSegment: false);
        json.WriteStringValueSegment(target.Path, isFinalSegment: true);
    }

    private static void WriteTags(Utf8JsonWriter json, Exchange exchange, RecordFields fields)
    {
        if (exchange.Tags is not { } tags || fields.Apply(AccessLogField.Tags, "") is null)
        {
            return;
        }

        json.WriteStartArray("tags"u8);
        for (var i = 0; i < tags.Count; i++)
        {
            json.WriteStringValue(fields.Apply(AccessLogField.Tags, tags[i]));
        }

        json.WriteEndArray();
    }
}
