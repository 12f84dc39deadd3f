using System.Buffers;
using System.Collections.Frozen;

namespace PyProxy.Gateway.Http;

/// <summary>Names and values of fields in the configuration.</summary>
internal static class FieldNames
{
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"); // RFC 9110 §5.6.2

    // They say where a message ends, whom it is for and who may send it: what the gateway itself has to be right about.
    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Connection", "Content-Length", "Host", "HTTP2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
        "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via");

    public static bool IsToken(ReadOnlySpan<char> name) => !name.IsEmpty && !name.ContainsAnyExcept(TokenCharacters);

    /// <summary>Whether a rule may set or remove the field.</summary>
    public static bool MayBeChanged(string name) => IsToken(name) && !Reserved.Contains(name);

    /// <summary>Whether a text can be a field's value (RFC 9110 §5.5), and in ASCII, which every version and every origin reads alike.</summary>
    public static bool IsValue(ReadOnlySpan<char> value)
    {
        foreach (var c in value)
        {
            if ((c < ' ' && c != '\t') || c > '~')
            {
                return false;
            }
        }

        return value.IsEmpty || !(char.IsWhiteSpace(value[0]) || char.IsWhiteSpace(value[^1]));
    }
}
