using System.Diagnostics.CodeAnalysis;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>
/// Reads limits as configuration writes them: a head (<c>20/s</c>, <c>10MB/s</c>, <c>200GB/month</c>) and words behind it, in any order, none
/// twice.
/// </summary>
internal static class LimitParser
{
    public const string RateForm = "N/s, N/m, N/h, N/d or N/10s, and behind it as needed \"burst B\", \"token-bucket\" (the default), "
        + "\"sliding-window\" or \"fixed-window\", \"per user\" (the default), address, route, host, a combination such as user+host, or everyone; "
        + "N and B from 1 to 1000000000, windows up to 31 days; a burst is a token bucket's";

    public const string BandwidthForm = "10MB/s, and behind it as needed \"burst 20MB\" and \"per user\" (the default), address, route, host, "
        + "a combination or everyone; units B, KB, MB, GB, TB (thousands) and KiB, MiB, GiB, TiB; from 1KB/s";

    public const string QuotaForm = "200GB/month or \"100000 requests/day\" (day, week, month), and behind it as needed \"start 15\" (day of the month, "
        + "1 to 28) or \"start Sunday\" (of a week), \"zone Europe/Berlin\", and \"then refuse\" (the default), \"then cut\" or \"then slow 128KB/s\"";

    /// <summary>Lowest rate that is told apart from a typing error: a body of 64 KB takes a minute.</summary>
    private const long MinBytesPerSecond = 1_000;

    public static bool TryParseRate(string plan, ReadOnlySpan<char> text, [NotNullWhen(true)] out Limit? limit)
    {
        limit = null;
        var words = new Words(text);
        var head = words.Next();
        var slash = head.IndexOf('/');
        if (slash < 0 || !LimitText.TryParseCount(head[..slash], out var amount) || !LimitText.TryParseWindow(head[(slash + 1)..], out var window))
        {
            return false;
        }

        LimitAlgorithm? algorithm = null;
        LimitKey? key = null;
        long? burst = null;
        for (var word = words.Next(); !word.IsEmpty; word = words.Next())
        {
            var known = word switch
            {
                "burst" => burst is null && LimitText.TryParseCount(words.Next(), out var count) && (burst = count) > 0,
                "per" => key is null && LimitText.TryParseKey(words.Next(), out var parsed) && (key = parsed) >= 0,
                "token-bucket" => algorithm is null && (algorithm = LimitAlgorithm.TokenBucket) >= 0,
                "sliding-window" => algorithm is null && (algorithm = LimitAlgorithm.SlidingWindow) >= 0,
                "fixed-window" => algorithm is null && (algorithm = LimitAlgorithm.FixedWindow) >= 0,
                _ => false,
            };
            if (!known)
            {
                return false;
            }
        }

        if (burst is not null && algorithm is LimitAlgorithm.SlidingWindow or LimitAlgorithm.FixedWindow)
        {
            return false; // a window has no burst
        }

        limit = new Limit(plan, NameOf(head, key), algorithm ?? LimitAlgorithm.TokenBucket, amount, window, burst ?? amount, key ?? LimitKey.User);
        return true;
    }

    public static bool TryParseBandwidth(string plan, ReadOnlySpan<char> text, [NotNullWhen(true)] out BandwidthLimit? limit)
    {
        limit = null;
        var words = new Words(text);
        var head = words.Next();
        if (!TryParseBytesPerSecond(head, out var rate))
        {
            return false;
        }

        LimitKey? key = null;
        long? burst = null;
        for (var word = words.Next(); !word.IsEmpty; word = words.Next())
        {
            var known = word switch
            {
                "burst" => burst is null && LimitText.TryParseBytes(words.Next(), out var bytes) && (burst = bytes) > 0,
                "per" => key is null && LimitText.TryParseKey(words.Next(), out var parsed) && (key = parsed) >= 0,
                _ => false,
            };
            if (!known)
            {
                return false;
            }
        }

        // A tenth of a second's worth: enough to keep up with timers that come late, too little to show in what is measured over seconds.
        limit = new BandwidthLimit(plan, NameOf(head, key), rate, burst ?? Math.Max(rate / 10, MinBytesPerSecond), key ?? LimitKey.User);
        return true;
    }

    public static bool TryParseQuota(string plan, ReadOnlySpan<char> text, [NotNullWhen(true)] out QuotaLimit? quota)
    {
        quota = null;
        var words = new Words(text);
        var head = words.Next();
        long amount;
        var countsBytes = head.Contains('/');
        var unit = countsBytes ? head : words.Next();
        var slash = unit.IndexOf('/');
        if (slash < 0 || !Enum.TryParse<QuotaPeriod>(unit[(slash + 1)..], ignoreCase: true, out var period) || char.IsAsciiDigit(unit[^1]))
        {
            return false;
        }

        if (countsBytes ? !LimitText.TryParseBytes(head[..slash], out amount)
            : !LimitText.TryParseCount(head, out amount) || !unit[..slash].Equals("requests", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        int? start = null;
        TimeZoneInfo? zone = null;
        QuotaEnd? end = null;
        long slow = 0;
        for (var word = words.Next(); !word.IsEmpty; word = words.Next())
        {
            var known = word switch
            {
                "start" => start is null && TryParseStart(words.Next(), period, out start),
                "zone" => zone is null && TimeZoneInfo.TryFindSystemTimeZoneById(words.Next().ToString(), out zone),
                "then" => end is null && TryParseEnd(ref words, out end, out slow),
                _ => false,
            };
            if (!known)
            {
                return false;
            }
        }

        var name = countsBytes ? head.ToString() : $"{head} {unit}";
        var firstDay = start ?? period switch { QuotaPeriod.Month => 1, QuotaPeriod.Week => (int)DayOfWeek.Monday, _ => 0 };
        quota = new QuotaLimit(plan, name, amount, countsBytes, period, firstDay, zone ?? TimeZoneInfo.Utc, end ?? QuotaEnd.Refuse, slow);
        return true;
    }

    /// <summary>The time zone that a quota names and this machine does not know.</summary>
    public static string? UnknownZoneIn(ReadOnlySpan<char> quota)
    {
        var words = new Words(quota);
        for (var word = words.Next(); !word.IsEmpty; word = words.Next())
        {
            if (word is "zone" && words.Next() is { IsEmpty: false } zone && !TimeZoneInfo.TryFindSystemTimeZoneById(zone.ToString(), out _))
            {
                return zone.ToString();
            }
        }

        return null;
    }

    private static bool TryParseStart(ReadOnlySpan<char> word, QuotaPeriod period, out int? start)
    {
        start = period switch
        {
            QuotaPeriod.Month when LimitText.TryParseCount(word, out var day) && day <= 28 => (int)day,
            QuotaPeriod.Week when !word.IsEmpty && char.IsAsciiLetter(word[0]) && Enum.TryParse<DayOfWeek>(word, ignoreCase: true, out var day) => (int)day,
            _ => null,
        };
        return start is not null;
    }

    private static bool TryParseEnd(ref Words words, out QuotaEnd? end, out long slow)
    {
        slow = 0;
        var word = words.Next();
        end = word.IsEmpty || !char.IsAsciiLetter(word[0]) || !Enum.TryParse<QuotaEnd>(word, ignoreCase: true, out var parsed) ? null : parsed;
        return end is not null && (end != QuotaEnd.Slow || TryParseBytesPerSecond(words.Next(), out slow));
    }

    private static bool TryParseBytesPerSecond(ReadOnlySpan<char> text, out long rate)
    {
        rate = 0;
        return text.EndsWith("/s", StringComparison.Ordinal) && LimitText.TryParseBytes(text[..^2], out rate) && rate >= MinBytesPerSecond;
    }

    // What is not per user says so, or two limits could have one name.
    private static string NameOf(ReadOnlySpan<char> head, LimitKey? key)
        => key is null or LimitKey.User ? head.ToString() : $"{head} per {LimitText.KeyName(key.Value)}";

    private ref struct Words(ReadOnlySpan<char> text)
    {
        private ReadOnlySpan<char> _rest = text.Trim();

        /// <summary>The next word; empty when there is none.</summary>
        public ReadOnlySpan<char> Next()
        {
            var end = _rest.IndexOf(' ');
            var word = end < 0 ? _rest : _rest[..end];
            _rest = end < 0 ? default : _rest[end..].TrimStart();
            return word;
        }
    }
}
