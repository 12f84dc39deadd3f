using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>
/// Writes a record as a line of Apache's combined format: <c>%h - %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"</c>. The target of a request
/// in absolute form is written in absolute form, as Apache and Squid do it. Escapes as Apache does (<c>\"</c>, <c>\\</c>, <c>\xhh</c>).
/// </summary>
internal static class CombinedRecord
{
    // More of a field that a client chose tells nobody anything.
    private const int MaxField = 8 * 1024;

    public static void Write(ArrayBufferWriter<byte> buffer, in AccessRecord record, RecordFields fields)
    {
        var exchange = record.Exchange;
        Field(buffer, fields.Apply(exchange.ClientAddress), isQuoted: false);
        buffer.Write(" - "u8);
        Field(buffer, fields.Apply(AccessLogField.User, exchange.User), isQuoted: false);
        buffer.Write(" ["u8);
        Ascii(buffer, record.Time.UtcDateTime, "dd/MMM/yyyy:HH:mm:ss");
        buffer.Write(" +0000] \""u8);
        Field(buffer, fields.Apply(AccessLogField.Method, record.Method), isQuoted: true);
        buffer.Write(" "u8);
        Field(buffer, fields.Apply(AccessLogField.Target, TargetOf(record, fields)), isQuoted: true);
        buffer.Write(" "u8);
        Field(buffer, record.Protocol, isQuoted: true);
        buffer.Write("\" "u8);
        Ascii(buffer, record.Outcome.Status, default);
        buffer.Write(" "u8);
        Ascii(buffer, exchange.BytesOut, default);
        buffer.Write(" \""u8);
        var headers = record.Context?.Request.Headers;
        Field(buffer, fields.Apply(AccessLogField.Referer, RefererOf(headers, fields)), isQuoted: true);
        buffer.Write("\" \""u8);
        Field(buffer, fields.Apply(AccessLogField.UserAgent, headers is null ? null : NullIfEmpty(headers.UserAgent)), isQuoted: true);
        buffer.Write("\"\n"u8);
    }

    private static string TargetOf(in AccessRecord record, RecordFields fields)
    {
        var target = AccessLogTarget.Of(record.Context, record.Exchange, fields.Queries);
        return record.Exchange.WayIn is WayIn.Reverse or WayIn.Admin ? target.Path.ToString() : target.ToString();
    }

    // What a page's address carries behind the question mark is as secret there as in the target.
    private static string? RefererOf(IHeaderDictionary? headers, RecordFields fields)
    {
        if (headers is null || NullIfEmpty(headers.Referer) is not { } referer)
        {
            return null;
        }

        return fields.Queries ? referer : AccessLogTarget.WithoutQuery(referer).ToString();
    }

    private static string? NullIfEmpty(StringValues values) => FieldText.Of(values.ToString()) is { Length: > 0 } text ? text : null;

    private static void Field(ArrayBufferWriter<byte> buffer, string? value, bool isQuoted)
    {
        if (string.IsNullOrEmpty(value))
        {
            buffer.Write("-"u8);
            return;
        }

        var text = value.AsSpan(0, Math.Min(value.Length, MaxField));
        foreach (var rune in text.EnumerateRunes())
        {
            Escaped(buffer, rune, isQuoted);
        }
    }

    private static void Escaped(ArrayBufferWriter<byte> buffer, Rune rune, bool isQuoted)
    {
        const string digits = "0123456789abcdef";
        Span<byte> bytes = stackalloc byte[4];
        var count = rune.EncodeToUtf8(bytes);
        foreach (var value in bytes[..count])
        {
            if (value is (byte)'"' or (byte)'\\')
            {
                buffer.Write([(byte)'\\', value]);
            }
            else if (value is < 0x20 or >= 0x7f || (value == ' ' && !isQuoted))
            {
                buffer.Write([(byte)'\\', (byte)'x', (byte)digits[value >> 4], (byte)digits[value & 15]]);
            }
            else
            {
                buffer.Write([value]);
            }
        }
    }

    private static void Ascii<T>(ArrayBufferWriter<byte> buffer, T value, ReadOnlySpan<char> format)
        where T : IUtf8SpanFormattable
    {
        value.TryFormat(buffer.GetSpan(32), out var written, format, CultureInfo.InvariantCulture);
        buffer.Advance(written);
    }
}
