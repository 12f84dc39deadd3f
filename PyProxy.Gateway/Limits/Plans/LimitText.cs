using System.Globalization;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>The words of which limits are written in configuration: counts, sizes, windows, keys.</summary>
internal static class LimitText
{
    public const long MaxCount = 1_000_000_000;

    /// <summary>A petabyte, or a petabyte per second: more is a typing error.</summary>
    public const long MaxBytes = 1_000_000_000_000_000;

    // Longest first: "MB" ends in "B".
    private static readonly (string Suffix, long Factor)[] Sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("B", 1),
    ];

    // NumberStyles.None: neither sign nor separators, so nothing negative gets this far.
    public static bool TryParseCount(ReadOnlySpan<char> text, out long count)
        => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count is >= 1 and <= MaxCount;

    /// <summary><c>10MB</c>, <c>1.5GB</c>, <c>512KiB</c>.</summary>
    public static bool TryParseBytes(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        foreach (var (suffix, factor) in Sizes)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (!decimal.TryParse(text[..^suffix.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                || number > MaxBytes)
            {
                return false;
            }

            var exact = number * factor;
            bytes = exact is >= 1 and <= MaxBytes ? (long)exact : 0;
            return bytes > 0;
        }

        return false;
    }

    /// <summary><c>s</c>, <c>m</c>, <c>h</c>, <c>d</c>, with or without a number in front: <c>10s</c>.</summary>
    public static bool TryParseWindow(ReadOnlySpan<char> text, out TimeSpan window)
    {
        window = default;
        if (text.IsEmpty)
        {
            return false;
        }

        TimeSpan? unit = text[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => null,
        };
        long count = 1;
        if (unit is not { } one || (text.Length > 1 && !TryParseCount(text[..^1], out count)) || count > TimeSpan.FromDays(31) / one)
        {
            return false;
        }

        window = one * count;
        return true;
    }

    /// <summary><c>user</c>, <c>address</c>, <c>route</c>, <c>host</c>, joined by <c>+</c>; or <c>everyone</c>.</summary>
    public static bool TryParseKey(ReadOnlySpan<char> text, out LimitKey key)
    {
        key = LimitKey.None;
        if (text.Equals("everyone", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        foreach (var range in text.Split('+'))
        {
            var part = text[range] switch
            {
                var word when word.Equals("user", StringComparison.OrdinalIgnoreCase) => LimitKey.User,
                var word when word.Equals("address", StringComparison.OrdinalIgnoreCase) => LimitKey.Address,
                var word when word.Equals("route", StringComparison.OrdinalIgnoreCase) => LimitKey.Route,
                var word when word.Equals("host", StringComparison.OrdinalIgnoreCase) => LimitKey.Host,
                _ => LimitKey.None,
            };
            if (part == LimitKey.None || key.HasFlag(part))
            {
                return false;
            }

            key |= part;
        }

        return true;
    }

    public static string KeyName(LimitKey key) => key == LimitKey.None ? "everyone" : string.Join('+', WordsOf(key));

    private static IEnumerable<string> WordsOf(LimitKey key)
    {
        if (key.HasFlag(LimitKey.User))
        {
            yield return "user";
        }

        if (key.HasFlag(LimitKey.Address))
        {
            yield return "address";
        }

        if (key.HasFlag(LimitKey.Route))
        {
            yield return "route";
        }

        if (key.HasFlag(LimitKey.Host))
        {
            yield return "host";
        }
    }
}
