using System.Globalization;
using System.Text;
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
