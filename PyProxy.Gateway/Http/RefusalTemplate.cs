using System.Collections.Frozen;
using System.Text;
using System.Text.Encodings.Web;

namespace PyProxy.Gateway.Http;

/// <summary>A page of the operator's own, with places for what is known of a refusal. Everything that is put in is encoded.</summary>
internal sealed class RefusalTemplate
{
    public const int MaxBytes = 256 * 1024;

    private const string Required = "decision";

    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.Ordinal, "status", "title", "reason", "rule", "setting", Required, "host", "user", "client", "contact", "time");

    // Text and names in turn, beginning and ending with text.
    private readonly string[] _parts;

    private RefusalTemplate(string[] parts) => _parts = parts;

    /// <summary>Why a file is no template; <see langword="null"/> where it is one.</summary>
    public static string? Refusal(string file) => TryRead(file, out _, out var refusal) ? null : refusal;

    public static bool TryRead(string file, out RefusalTemplate? template, out string refusal)
    {
        template = null;
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxBytes + 1];
            var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MaxBytes)
            {
                refusal = $"\"{file}\" is larger than 256 KB.";
                return false;
            }

            return TryParse(new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes, 0, count), out template, out refusal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            refusal = $"\"{file}\" cannot be read: {e.Message}";
            return false;
        }
        catch (ArgumentException e) // no UTF-8, or no path at all
        {
            refusal = $"\"{file}\" is no UTF-8 text: {e.Message}";
            return false;
        }
    }

    public static bool TryParse(string text, out RefusalTemplate? template, out string refusal)
    {
        template = null;
        var parts = new List<string>();
        var rest = text;
        for (var open = rest.IndexOf("{{", StringComparison.Ordinal); open >= 0; open = rest.IndexOf("{{", StringComparison.Ordinal))
        {
            var close = rest.IndexOf("}}", open, StringComparison.Ordinal);
            var name = close < 0 ? "" : rest[(open + 2)..close].Trim();
            if (!Names.Contains(name))
            {
                refusal = close < 0 ? "a placeholder is not closed by }}." : $"there is no placeholder {{{{{name}}}}}; known: {string.Join(", ", Names.Order(StringComparer.Ordinal))}.";
                return false;
            }

            parts.Add(rest[..open]);
            parts.Add(name);
            rest = rest[(close + 2)..];
        }

        parts.Add(rest);
        if (!parts.Where((_, i) => i % 2 == 1).Contains(Required, StringComparer.Ordinal))
        {
            refusal = "the placeholder {{decision}} is missing; without it nobody could find out what decided.";
            return false;
        }

        template = new RefusalTemplate([.. parts]);
        refusal = "";
        return true;
    }

    /// <param name="valueOf">What stands for a name; <see langword="null"/> = nothing.</param>
    public string Render(Func<string, string?> valueOf)
    {
        var page = new StringBuilder(_parts[0], Math.Max(1024, _parts[0].Length * 2));
        for (var i = 1; i < _parts.Length; i += 2)
        {
            // Hosts, users and rule names come into the page from strangers and from configuration.
            page.Append(HtmlEncoder.Default.Encode(valueOf(_parts[i]) ?? "")).Append(_parts[i + 1]);
        }

        return page.ToString();
    }
}
