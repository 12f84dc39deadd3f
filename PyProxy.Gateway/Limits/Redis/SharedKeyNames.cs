using System.Globalization;
using System.Text;
using PyProxy.Gateway.Limits.Plans;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>
/// Names of keys. What is counted by the same subject has the same hash tag, and so lies in one slot of a Redis Cluster:
/// <c>pyproxy:rates:{u5:alice}:standard:user</c>.
/// </summary>
internal static class SharedKeyNames
{
    public static RedisKey Rates(string prefix, in SubjectKey subject) => $"{prefix}:rates:{{{TagOf(subject)}}}:{subject.Scope.Name}";

    public static RedisKey Held(string prefix, in SubjectKey subject) => $"{prefix}:held:{{{TagOf(subject)}}}:{subject.Scope.Name}";

    /// <summary>Fits the names of all rates, or of those counted by one user and perhaps by more.</summary>
    public static string RatesPattern(string prefix, string? user) => Pattern($"{prefix}:rates:", user);

    /// <inheritdoc cref="RatesPattern"/>
    public static string HeldPattern(string prefix, string? user) => Pattern($"{prefix}:held:", user);

    /// <summary>Reads a name back, if its limits are still configured.</summary>
    public static bool TryParse(string prefix, string name, IReadOnlyDictionary<string, LimitGroup> groups, out SubjectKey subject)
    {
        subject = default;
        var kind = name.AsSpan(Math.Min(prefix.Length + 1, name.Length));
        var rest = kind[(kind.IndexOf('{') + 1)..];
        string? user = null, route = null, host = null;
        var address = default(UInt128);
        if (rest.StartsWith("everyone}"))
        {
            rest = rest["everyone".Length..];
        }

        while (!rest.IsEmpty && rest[0] != '}')
        {
            var colon = rest.IndexOf(':');
            if (colon < 0 || !int.TryParse(rest[1..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var length) || rest.Length - colon - 1 < length)
            {
                return false;
            }

            var part = rest.Slice(colon + 1, length);
            switch (rest[0])
            {
                case 'u':
                    user = part.ToString();
                    break;
                case 'r':
                    route = part.ToString();
                    break;
                case 'h':
                    host = part.ToString();
                    break;
                case 'a' when UInt128.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address):
                    break;
                default:
                    return false;
            }

            rest = rest[(colon + 1 + length)..];
        }

        if (!rest.StartsWith("}:") || !groups.TryGetValue(rest[2..].ToString(), out var group))
        {
            return false;
        }

        subject = new SubjectKey(group.Scope, user, address, route, host);
        return true;
    }

    // What means something in a pattern is escaped: a user's name may have it.
    private static string Pattern(string begin, string? user)
    {
        var pattern = new StringBuilder();
        foreach (var letter in user is null ? begin + "{" : string.Create(CultureInfo.InvariantCulture, $"{begin}{{u{user.Length}:{user}"))
        {
            pattern.Append(letter is '*' or '?' or '[' or ']' or '\\' ? "\\" : "").Append(letter);
        }

        return pattern.Append('*').ToString();
    }

    /// <summary>Each part with its length in front, so that no name can be taken for two parts of another.</summary>
    public static string TagOf(in SubjectKey subject)
    {
        var tag = new StringBuilder();
        Append(tag, 'u', subject.User);
        Append(tag, 'a', subject.Address == default ? null : subject.Address.ToString("x", CultureInfo.InvariantCulture));
        Append(tag, 'r', subject.Route);
        Append(tag, 'h', subject.Host);
        return tag.Length == 0 ? "everyone" : tag.ToString();
    }

    private static void Append(StringBuilder tag, char kind, string? part)
    {
        if (part is not null)
        {
            tag.Append(CultureInfo.InvariantCulture, $"{kind}{part.Length}:{part}");
        }
    }
}
