using System.Globalization;

namespace PyProxy.Gateway.Limits;

/// <summary>A rate as configuration writes it: <c>20/s burst 100</c>.</summary>
/// <param name="Name">The rate without its burst, as refusals name it: <c>20/s</c>.</param>
/// <param name="PerSecond">How fast permits come back.</param>
/// <param name="Burst">How many permits a bucket holds.</param>
internal sealed record Rate(string Name, double PerSecond, int Burst)
{
    private const int Max = 1_000_000_000;

    public static bool TryParse(ReadOnlySpan<char> text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Rate? rate)
    {
        rate = null;
        text = text.Trim();
        var space = text.IndexOf(' ');
        var head = space < 0 ? text : text[..space];
        if (head.Length < 3 || head[^2] != '/' || SecondsOf(head[^1]) is not { } seconds || !TryParseCount(head[..^2], out var count))
        {
            return false;
        }

        var burst = count;
        if (space >= 0)
        {
            const string Keyword = "burst ";
            var tail = text[space..].Trim();
            if (!tail.StartsWith(Keyword, StringComparison.OrdinalIgnoreCase) || !TryParseCount(tail[Keyword.Length..].Trim(), out burst))
            {
                return false;
            }
        }

        rate = new Rate(head.ToString(), (double)count / seconds, burst);
        return true;
    }

    private static int? SecondsOf(char unit) => unit switch
    {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => null,
    };

    // NumberStyles.None: neither sign nor separators, so nothing negative gets this far.
    private static bool TryParseCount(ReadOnlySpan<char> text, out int count)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count is >= 1 and <= Max;
}
