namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>A hash that is the same in every process, so that what is sticky survives a restart and agrees between gateways.</summary>
internal static class StableHash
{
    private const ulong Basis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    public static ulong Of(string text) => Mix(Fold(Basis, text));

    /// <summary>Of two texts as a pair: "ab", "c" is not "a", "bc".</summary>
    public static ulong Of(string first, string second) => Mix(Fold(Fold(Basis, first) * Prime, second));

    /// <summary>One number of two, evenly spread.</summary>
    public static ulong Combine(ulong first, ulong second) => Mix(first ^ (second + 0x9E3779B97F4A7C15 + (first << 6) + (first >> 2)));

    // FNV-1a over the characters
    private static ulong Fold(ulong hash, string text)
    {
        foreach (var c in text)
        {
            hash = (hash ^ c) * Prime;
        }

        return hash;
    }

    // FNV's low bits are good enough, its high ones are not: MurmurHash3's finaliser
    private static ulong Mix(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        return hash ^ (hash >> 33);
    }
}
