using System.Buffers;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// Writes one exchange as one line of JSON. Holds nothing that a client sent as a secret: no header fields, no query, no user information
/// of a URI. What a client chose is escaped, so that it can neither end the line nor steer a terminal.
/// </summary>
internal static class AccessLogRecord
{
    // Relaxed: a log is not a web page, so + and & stay legible. Control characters, quotes and line separators are still escaped.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>The line, newline included, in a buffer of this thread: valid until the next call on it.</summary>
    public static ReadOnlySpan<byte> Format(HttpContext? context, Exchange exchange, in ExchangeOutcome outcome, DateTimeOffset now)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        var json = _writer ??= new Utf8JsonWriter(buffer, Options);
        buffer.ResetWrittenCount();
        json.Reset();

        json.WriteStartObject();
        json.WriteString("time"u8, now.UtcDateTime);
        json.WriteString("id"u8, exchange.Id);
        json.WriteString("role"u8, exchange.Role.Name());
        Optional(json, "endpoint"u8, exchange.Endpoint);
        json.WriteString("way_in"u8, exchange.WayIn.Name());
        Address(json, "client"u8, exchange.ClientAddress);
        Optional(json, "user"u8, exchange.User);
        Optional(json, "auth_scheme"u8, exchange.AuthenticationScheme);
        json.WriteString("method"u8, context?.Request.Method ?? HttpMethods.Connect); // only tunnels of HTTP/1.1 outlive their request
        AccessLogTarget.Write(json, "target"u8, context, exchange);
        json.WriteString("protocol"u8, context?.Request.Protocol ?? HttpProtocol.Http11);
        json.WriteNumber("status"u8, outcome.Status);
        json.WriteString("verdict"u8, exchange.Verdict.Name());
        Optional(json, "decided_by"u8, exchange.DecidedBy ?? exchange.Error?.DecidedBy);
        Optional(json, "error"u8, exchange.Error?.Token);
        if (outcome.Aborted)
        {
            json.WriteBoolean("aborted"u8, true);
        }

        json.WriteNumber("bytes_in"u8, exchange.BytesIn);
        json.WriteNumber("bytes_out"u8, exchange.BytesOut);
        json.WriteNumber("duration_ms"u8, Math.Round(outcome.Duration.TotalMilliseconds, 3));
        Optional(json, "route"u8, exchange.Route);
        Optional(json, "cluster"u8, exchange.Cluster);
        Optional(json, "destination"u8, exchange.Destination);
        json.WriteEndObject();
        json.Flush();
        buffer.Write("\n"u8);
        return buffer.WrittenSpan;
    }

    private static void Optional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void Address(Utf8JsonWriter json, ReadOnlySpan<byte> name, IPAddress? address)
    {
        Span<byte> text = stackalloc byte[65]; // the longest IPv6 text with a zone
        if (address is not null && address.TryFormat(text, out var length))
        {
            json.WriteString(name, text[..length]);
        }
    }
}
