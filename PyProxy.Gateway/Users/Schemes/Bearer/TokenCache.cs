using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>
/// Remembers for a short time whose tokens were good: verifying a signature costs more than the rest of a request's authentication together. Holds
/// no tokens: the key is an HMAC under a key that dies with the process.
/// </summary>
internal sealed class TokenCache(TimeProvider time)
{
    private const int Capacity = 100_000; // ~20 MB beside the users themselves

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private readonly ConcurrentDictionary<Digest, Entry> _entries = new();

    public static Digest DigestOf(ReadOnlySpan<char> token)
    {
        var digest = default(Digest);
        HMACSHA256.HashData(Key, MemoryMarshal.AsBytes(token), MemoryMarshal.AsBytes(new Span<Digest>(ref digest)));
        return digest;
    }

    /// <summary>Whose a token is that was verified no longer ago than that, and who issued it.</summary>
    public bool TryFind(in Digest digest, TimeSpan notLongerAgo, [NotNullWhen(true)] out KnownUser? user, [NotNullWhen(true)] out Issuer? issuer)
    {
        if (_entries.TryGetValue(digest, out var entry)
            && time.GetElapsedTime(entry.VerifiedAt) < notLongerAgo
            && time.GetUtcNow() < entry.Expiry
            && !entry.Issuer.IsReplaced
            && entry.Issuer.Keys.IsCurrent(entry.Keys))
        {
            (user, issuer) = (entry.User, entry.Issuer);
            return true;
        }

        (user, issuer) = (null, null);
        return false;
    }

    /// <param name="digest">The token's.</param>
    /// <param name="user">Whose it is.</param>
    /// <param name="issuer">Who issued it.</param>
    /// <param name="keys">What it was verified with; with other keys in force it is forgotten.</param>
    /// <param name="expiry">When the token expires.</param>
    public void Remember(in Digest digest, KnownUser user, Issuer issuer, KeySet keys, DateTimeOffset expiry)
    {
        if (_entries.Count >= Capacity)
        {
            _entries.Clear(); // beyond it everyone is verified anew once, which is slow but right
        }

        _entries[digest] = new Entry(user, issuer, keys, time.GetTimestamp(), expiry);
    }

    internal readonly record struct Digest(UInt128 High, UInt128 Low);

    private readonly record struct Entry(KnownUser User, Issuer Issuer, KeySet Keys, long VerifiedAt, DateTimeOffset Expiry);
}
