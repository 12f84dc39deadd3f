namespace PyProxy.Gateway.Http;

/// <summary>
/// Dot segments. Kestrel decodes and removes them before routing, an origin may or may not: <c>/public/..%2fadmin/%2e%2e/x</c> is <c>/public/x</c>
/// to a rule here and something else there. Such a path is refused, so that nobody sees two different ones.
/// </summary>
internal static class PathSafety
{
    /// <summary>
    /// Whether a segment of the path is <c>.</c> or <c>..</c>, written plainly or percent-encoded, between slashes or backslashes written either
    /// way, with or without path parameters behind it (<c>..;x</c>, which servlet containers strip before they resolve the segment).
    /// </summary>
    public static bool HasDotSegment(ReadOnlySpan<char> path)
    {
        if (!path.Contains('.') && path.IndexOf("%2e", StringComparison.OrdinalIgnoreCase) < 0)
        {
            return false; // nearly every path
        }

        var dots = 0;
        var named = false;
        var inParameters = false;
        for (var i = 0; i < path.Length; i++)
        {
            var c = path[i];
            if (c == '%' && TryDecode(path[i..], out var decoded))
            {
                c = decoded;
                i += 2;
            }

            switch (c)
            {
                case '/' or '\\':
                    if (!named && dots is 1 or 2)
                    {
                        return true;
                    }

                    (dots, named, inParameters) = (0, false, false);
                    break;
                case ';':
                    inParameters = true;
                    break;
                case '.' when !inParameters:
                    dots++;
                    break;
                default:
                    named |= !inParameters;
                    break;
            }
        }

        return !named && dots is 1 or 2;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, out char decoded)
    {
        decoded = default;
        if (text.Length < 3)
        {
            return false;
        }

        decoded = (text[1], text[2] | 0x20) switch
        {
            ('2', 'e') => '.',
            ('2', 'f') => '/',
            ('5', 'c') => '\\',
            _ => default,
        };
        return decoded != default;
    }
}
