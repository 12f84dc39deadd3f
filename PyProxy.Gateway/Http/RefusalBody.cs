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
    // All in the page: what is refused gives no place to load a style sheet from.
    private const string Style = """
        :root{color-scheme:light dark;--ground:#f2f4f7;--card:#fff;--text:#1d2939;--dim:#667085;--line:#e4e7ec;--mark:#c4320a}
        @media(prefers-color-scheme:dark){:root{--ground:#101418;--card:#1a2027;--text:#e6e9ee;--dim:#98a2b3;--line:#2d3540;--mark:#ff9466}}
        body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
        main{box-sizing:border-box;width:min(42rem,100% - 2rem);padding:2.25rem 2.5rem;background:var(--card);border:1px solid var(--line);border-top:5px solid var(--mark);border-radius:10px}
        h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.2}
        h1 span{color:var(--mark)}
        p{margin:0 0 1.5rem;font-size:1.1rem;overflow-wrap:anywhere}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.5rem;margin:0;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.85rem}
        dt{color:var(--dim)}
        dd{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}
        """;

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

    public static ReadOnlyMemory<byte> Html(ProxyError error, string decision, string? host = null, string? contact = null)
    {
        var page = new StringBuilder(3072);
        var title = Encode(TitleOf(error));
        var status = error.Status.ToString(CultureInfo.InvariantCulture);
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>")
            .Append(status).Append(' ').Append(title)
            .Append("</title><style>").Append(Style).Append("</style></head>\n<body><main><h1><span>")
            .Append(status).Append("</span> ").Append(title)
            .Append("</h1>\n<p>")
            .Append(Encode(error.Detail))
            .Append("</p>\n<dl>");
        AppendEntry(page, "Asked for", host);
        AppendEntry(page, "Decided by", error.DecidedBy);
        AppendEntry(page, "Setting", error.Setting);
        AppendEntry(page, "Decision", decision);
        AppendEntry(page, "Contact", contact);
        page.Append("</dl></main></body></html>\n");
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
