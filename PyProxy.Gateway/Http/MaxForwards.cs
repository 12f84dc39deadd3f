using System.Globalization;

namespace PyProxy.Gateway.Http;

/// <summary><c>Max-Forwards</c> (RFC 9110 §7.6.2).</summary>
internal static class MaxForwards
{
    /// <summary>
    /// Reads the field; <paramref name="remaining"/> is <see langword="null"/> where it is absent. A number beyond what fits counts as the
    /// largest that does, which the RFC allows.
    /// </summary>
    /// <returns>False where the field is there and is no number.</returns>
    public static bool TryRead(IHeaderDictionary headers, out int? remaining)
    {
        remaining = null;
        var values = headers.MaxForwards;
        if (values.Count == 0)
        {
            return true;
        }

        var text = values.Count == 1 ? values[0].AsSpan().Trim(" \t") : [];
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        remaining = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;
        return true;
    }

    public static void Write(IHeaderDictionary headers, int remaining)
        => headers.MaxForwards = remaining.ToString(CultureInfo.InvariantCulture);
}
