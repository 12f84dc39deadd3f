using System.Text;

namespace PyProxy.Gateway.Privacy;

/// <summary>Removes parameters from a query; what stays keeps its bytes and its order.</summary>
internal sealed class QueryFilter
{
    /// <summary>Parameters that say where a click came from and who clicked, and nothing about what is asked for.</summary>
    private static readonly string[] Tracking =
    [
        "utm_*", "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "mc_cid", "mc_eid", "igshid", "igsh", "yclid", "ysclid", "_openstat",
        "twclid", "ttclid", "li_fat_id", "epik", "srsltid", "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "hsctatracking", "mkt_tok", "vero_id",
        "vero_conv", "oly_anon_id", "oly_enc_id", "rb_clickid", "s_cid", "wickedid", "_branch_match_id", "irclickid", "sc_cid", "_ga", "_gl",
    ];

    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _names;
    private readonly string[] _prefixes;

    private QueryFilter(IEnumerable<string> patterns)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        List<string> prefixes = [];
        foreach (var pattern in patterns)
        {
            if (pattern.EndsWith('*'))
            {
                prefixes.Add(pattern[..^1]);
            }
            else
            {
                names.Add(pattern);
            }
        }

        _names = names.GetAlternateLookup<ReadOnlySpan<char>>();
        _prefixes = [.. prefixes];
    }

    /// <returns><see langword="null"/> where nothing is to be removed.</returns>
    public static QueryFilter? Create(PrivacyProfileOptions options)
    {
        var patterns = options.StripTrackingParameters ? [.. Tracking, .. options.StripParameters] : options.StripParameters;
        return patterns.Count == 0 ? null : new QueryFilter(patterns);
    }

    /// <param name="query">Percent-encoded, with its question mark; or empty.</param>
    public string Apply(string query)
    {
        if (query.Length < 2 || !HasAny(query))
        {
            return query;
        }

        var result = new StringBuilder(query.Length);
        foreach (var range in query.AsSpan(1).Split('&'))
        {
            var parameter = query.AsSpan(1)[range];
            if (!Removes(parameter))
            {
                result.Append(result.Length == 0 ? '?' : '&').Append(parameter);
            }
        }

        return result.ToString();
    }

    private bool HasAny(ReadOnlySpan<char> query)
    {
        foreach (var range in query[1..].Split('&'))
        {
            if (Removes(query[1..][range]))
            {
                return true;
            }
        }

        return false;
    }

    private bool Removes(ReadOnlySpan<char> parameter)
    {
        var end = parameter.IndexOf('=');
        var name = end < 0 ? parameter : parameter[..end];
        if (name.Contains('%'))
        {
            name = Uri.UnescapeDataString(name); // the origin decodes it, too
        }

        if (_names.Contains(name))
        {
            return true;
        }

        foreach (var prefix in _prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
