namespace PyProxy.Gateway.Configuration;

/// <summary>Finds the word that was probably meant.</summary>
internal static class Spelling
{
    // Two slips, but never half of a short word: "Up" is no misspelt "On".
    private const int MaxDistance = 2;
    private const int MaxLength = 64;

    public static string? Nearest(string written, IEnumerable<string> known)
    {
        if (written.Length > MaxLength)
        {
            return null;
        }

        string? best = null;
        var bestDistance = Math.Min(MaxDistance, (written.Length - 1) / 2) + 1;
        foreach (var word in known)
        {
            var distance = Distance(written.ToUpperInvariant(), word.ToUpperInvariant());
            if (distance < bestDistance)
            {
                (best, bestDistance) = (word, distance);
            }
        }

        return best;
    }

    /// <summary>Optimal string alignment: insertions, deletions, substitutions, and neighbours that changed places.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            rows[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            rows[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                var distance = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    distance = Math.Min(distance, rows[i - 2, j - 2] + 1);
                }

                rows[i, j] = distance;
            }
        }

        return rows[a.Length, b.Length];
    }
}
