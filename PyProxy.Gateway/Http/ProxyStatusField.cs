using System.Buffers;
using System.Text;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>The <c>Proxy-Status</c> field (RFC 9209 §2): one list member, the gateway, with its parameters as structured fields (RFC 9651).</summary>
internal static class ProxyStatusField
{
    private const int MaxDetailsLength = 512; // a field, not the body: keeps heads small whatever an error's detail holds

    // RFC 9651 §3.3.4: tchar, ":" and "/"
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~:/");

    public static string Format(string pseudonym, ProxyError error)
    {
        var field = new StringBuilder(160);
        if (IsToken(pseudonym))
        {
            field.Append(pseudonym);
        }
        else
        {
            AppendString(field, pseudonym);
        }

        if (error.Token is not null)
        {
            field.Append("; error=").Append(error.Token);
        }

        if (error.NextHop is not null)
        {
            field.Append("; next-hop=");
            AppendString(field, error.NextHop);
        }

        if (error.ReceivedStatus is { } received)
        {
            field.Append("; received-status=").Append(received);
        }

        field.Append("; details=");
        AppendString(field, error.Detail);
        return field.ToString();
    }

    private static bool IsToken(string text)
        => text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '*') && !text.AsSpan().ContainsAnyExcept(TokenCharacters);

    // RFC 9651 §3.3.3: printable ASCII; a backslash escapes '"' and itself. Anything else cannot be said in a String.
    private static void AppendString(StringBuilder field, string text)
    {
        field.Append('"');
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, MaxDetailsLength)))
        {
            if (c is '"' or '\\')
            {
                field.Append('\\').Append(c);
            }
            else
            {
                field.Append(c is >= ' ' and <= '~' ? c : '?');
            }
        }

        field.Append('"');
    }
}
