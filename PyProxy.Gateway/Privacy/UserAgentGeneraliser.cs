using System.Text;

namespace PyProxy.Gateway.Privacy;

/// <summary>
/// Makes a <c>User-Agent</c> one that many have: of a browser the products and their major versions stay, and the kind of system in the one spelling
/// that browsers have frozen it to; of anything else the first product and its major version.
/// </summary>
internal static class UserAgentGeneraliser
{
    private const int MaxLength = 1024; // longer ones identify by their length alone

    private static readonly HashSet<string> Products = new(StringComparer.Ordinal)
    {
        "AppleWebKit", "Chrome", "Edg", "Firefox", "Gecko", "Mobile", "OPR", "Safari", "Version",
    };

    /// <returns>Empty where nothing is left that many have.</returns>
    public static string Apply(string userAgent)
    {
        if (userAgent.Length > MaxLength)
        {
            return "";
        }

        const string Browser = "Mozilla/5.0 ";
        return userAgent.StartsWith(Browser, StringComparison.Ordinal) ? OfBrowser(userAgent.AsSpan(Browser.Length)) : OfProgram(userAgent);
    }

    private static string OfProgram(ReadOnlySpan<char> userAgent)
    {
        var end = userAgent.IndexOfAny(" \t(");
        return Major(end < 0 ? userAgent : userAgent[..end], filler: "");
    }

    private static string OfBrowser(ReadOnlySpan<char> rest)
    {
        var result = new StringBuilder("Mozilla/5.0");
        var isFirstComment = true;
        while (!(rest = rest.TrimStart()).IsEmpty)
        {
            if (rest[0] == '(')
            {
                var close = rest.IndexOf(')');
                var comment = close < 0 ? rest[1..] : rest[1..close];
                rest = close < 0 ? [] : rest[(close + 1)..];
                if (isFirstComment)
                {
                    result.Append(" (").Append(System(comment)).Append(Revision(comment)).Append(')');
                }
                else if (comment.SequenceEqual("KHTML, like Gecko"))
                {
                    result.Append(" (KHTML, like Gecko)");
                }

                isFirstComment = false;
                continue;
            }

            var end = rest.IndexOf(' ');
            var product = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[end..];
            var slash = product.IndexOf('/');
            var name = slash < 0 ? product : product[..slash];
            if (Products.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name))
            {
                // What these say of a version has been the same for all for years.
                result.Append(' ').Append(name is "Gecko" or "AppleWebKit" or "Safari" or "Mobile" ? Frozen(name, product) : Major(product, ".0"));
            }
        }

        return result.ToString();
    }

    private static ReadOnlySpan<char> Frozen(ReadOnlySpan<char> name, ReadOnlySpan<char> product) => name switch
    {
        "Gecko" => "Gecko/20100101",
        "AppleWebKit" => "AppleWebKit/537.36",
        "Safari" => "Safari/537.36",
        _ => product.Length == name.Length ? "Mobile" : "Mobile/15E148",
    };

    /// <summary>The kind of system, as the browsers that froze it write it.</summary>
    private static string System(ReadOnlySpan<char> comment)
        => comment.Contains("Android", StringComparison.Ordinal) ? "Linux; Android 10; K"
            : comment.Contains("iPhone", StringComparison.Ordinal) ? "iPhone; CPU iPhone OS 18_0 like Mac OS X"
            : comment.Contains("iPad", StringComparison.Ordinal) ? "iPad; CPU OS 18_0 like Mac OS X"
            : comment.Contains("Windows", StringComparison.Ordinal) ? "Windows NT 10.0; Win64; x64"
            : comment.Contains("Macintosh", StringComparison.Ordinal) ? "Macintosh; Intel Mac OS X 10_15_7"
            : "X11; Linux x86_64";

    /// <summary>Firefox says its version here as well, and sites compare.</summary>
    private static string Revision(ReadOnlySpan<char> comment)
    {
        var at = comment.IndexOf("rv:");
        return at < 0 ? "" : $"; {Major(comment[at..], ".0")}";
    }

    /// <summary><c>Name/124.0.6367.91</c> becomes <c>Name/124</c> and a filler.</summary>
    private static string Major(ReadOnlySpan<char> product, string filler)
    {
        var start = product.IndexOfAny('/', ':') + 1;
        if (start == 0)
        {
            return product.ToString();
        }

        var version = product[start..];
        var end = version.IndexOfAnyExceptInRange('0', '9');
        version = end < 0 ? version : version[..end];
        return version.IsEmpty ? product[..(start - 1)].ToString() : string.Concat(product[..start], version, filler);
    }
}
