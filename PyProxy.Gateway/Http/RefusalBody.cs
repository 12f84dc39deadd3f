using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>The body of a refusal in its two forms: a page for people, <c>application/problem+json</c> (RFC 9457) for programs.</summary>
internal static class RefusalBody
{
    private const int MaxAcceptLength = 2048; // no browser comes near it; parsing more serves nobody but an attacker

    // Quotes stand as quotes: the media type says that it is JSON, and a person reads it in a terminal.
    private static readonly JsonWriterOptions JsonForPeople = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Whether the client would rather read HTML. Browsers name <c>text/html</c>; a mere <c>*/*</c> is what programs send.
    /// </summary>
    public static bool PrefersHtml(StringValues accept)
    {
        var length = 0;
        foreach (var value in accept)
        {
            length += value?.Length ?? 0;
        }

        if (length is 0 or > MaxAcceptLength || !MediaTypeHeaderValue.TryParseList(accept, out var types))
        {
            return false;
        }

        double html = 0;
        double json = 0;
        foreach (var type in types)
        {
            var quality = type.Quality ?? 1;
            if (Is(type, "text/html") || Is(type, "application/xhtml+xml"))
            {
                html = Math.Max(html, quality);
            }
            else if (Is(type, "application/problem+json") || Is(type, "application/json"))
            {
                json = Math.Max(json, quality);
            }
        }

        return html > 0 && html >= json;

        static bool Is(MediaTypeHeaderValue type, string name) => type.MediaType.Equals(name, StringComparison.OrdinalIgnoreCase);
    }

    public static ReadOnlyMemory<byte> ProblemJson(ProxyError error, string decision)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, JsonForPeople))
        {
            json.WriteStartObject();
            json.WriteString("type", "about:blank");
            json.WriteString("title", TitleOf(error));
            json.WriteNumber("status", error.Status);
            json.WriteString("detail", error.Detail);
            json.WriteString("decision", decision);
            if (error.DecidedBy is not null)
            {
                json.WriteString("decidedBy", error.DecidedBy);
            }

            if (error.Setting is not null)
            {
                json.WriteString("setting", error.Setting);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    public static ReadOnlyMemory<byte> Html(ProxyError error, string decision, string? contact = null)
    {
        var page = new StringBuilder(1024);
        var title = string.Create(CultureInfo.InvariantCulture, $"{error.Status} {TitleOf(error)}");
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>")
            .Append(Encode(title))
            .Append("</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:10vh auto;padding:0 1rem}")
            .Append("dt{color:#666}dd{margin:0 0 .5rem;font-family:monospace;overflow-wrap:anywhere}</style></head>\n<body><h1>")
            .Append(Encode(title))
            .Append("</h1>\n<p>")
            .Append(Encode(error.Detail))
            .Append("</p>\n<dl>");
        AppendEntry(page, "Decision", decision);
        AppendEntry(page, "Decided by", error.DecidedBy);
        AppendEntry(page, "Setting", error.Setting);
        AppendEntry(page, "Contact", contact);
        page.Append("</dl></body></html>\n");
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    private static void AppendEntry(StringBuilder page, string name, string? value)
    {
        if (value is not null)
        {
            page.Append("<dt>").Append(name).Append("</dt><dd>").Append(Encode(value)).Append("</dd>\n");
        }
    }

    // Hosts and rule names come into the page from strangers and from configuration.
    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);

    public static string TitleOf(ProxyError error)
    {
        var phrase = ReasonPhrases.GetReasonPhrase(error.Status);
        return phrase.Length > 0 ? phrase : "Refused";
    }
}
