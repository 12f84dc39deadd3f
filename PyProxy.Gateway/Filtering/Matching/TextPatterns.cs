using System.Text;
using System.Text.RegularExpressions;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>Patterns over a text, of which one must match.</summary>
internal sealed class TextPatterns(string[] exact, string[] prefixes, Regex[] expressions)
{
    /// <summary>
    /// Regular expressions see no longer text; their time is linear in it. Kestrel's own bound for a whole head is as long, so that only an
    /// operator who raises it meets this one.
    /// </summary>
    public const int MaxLength = 32 * 1024;

    public Outcome Evaluate(ReadOnlySpan<char> text)
    {
        foreach (var candidate in exact)
        {
            if (text.SequenceEqual(candidate))
            {
                return Outcome.Yes;
            }
        }

        foreach (var prefix in prefixes)
        {
            if (text.StartsWith(prefix, StringComparison.Ordinal))
            {
                return Outcome.Yes;
            }
        }

        if (expressions.Length > 0 && text.Length > MaxLength)
        {
            return Outcome.Unknown;
        }

        foreach (var expression in expressions)
        {
            if (expression.IsMatch(text))
            {
                return Outcome.Yes;
            }
        }

        return Outcome.No;
    }

    /// <summary>The regular expression that a glob stands for; every glob has one.</summary>
    public static string FromGlob(string glob)
    {
        var expression = new StringBuilder(@"\A", glob.Length * 2);
        for (var i = 0; i < glob.Length; i++)
        {
            if (glob[i] == '*' && i + 1 < glob.Length && glob[i + 1] == '*')
            {
                expression.Append(".*");
                i++;
            }
            else
            {
                expression.Append(glob[i] switch
                {
                    '*' => "[^/]*",
                    '?' => "[^/]",
                    var c => Regex.Escape(c.ToString()),
                });
            }
        }

        return expression.Append(@"\z").ToString();
    }
}
