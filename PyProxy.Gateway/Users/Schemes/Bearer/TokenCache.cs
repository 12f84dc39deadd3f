using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>
/// Remembers for a short time whose tokens were good: verifying a signature costs more than the rest of a request's authentication together. Holds
/// no tokens: the key is an HMAC under a key that dies with the process.
/// </summary>
internal sealed class TokenCache(TimeSpan duration, TimeProvider time)
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

    public KnownUser? Find(in Digest digest)
        => _entries.TryGetValue(digest, out var entry) && time.GetUtcNow() < entry.Until && entry.Issuer.Keys.IsCurrent(entry.Keys) ? entry.User : null;

    /// <param name="digest">The token's.</param>
    /// <param name="user">Whose it is.</param>
    /// <param name="issuer">Who issued it.</param>
    /// <param name="keys">What it was verified with; with other keys in force it is forgotten.</param>
    /// <param name="expiry">When the token expires.</param>
    public void Remember(in Digest digest, KnownUser user, Issuer issuer, KeySet keys, DateTimeOffset expiry)
    {
        var until = time.GetUtcNow() + duration;
        if (duration == TimeSpan.Zero)
        {
            return;
        }

        if (_entries.Count >= Capacity)
        {
            _entries.Clear(); // beyond it everyone is verified anew once, which is slow but right
        }

        _entries[digest] = new Entry(user, issuer, keys, expiry < until ? expiry : until);
    }

    internal readonly record struct Digest(UInt128 High, UInt128 Low);

    private readonly record struct Entry(KnownUser User, Issuer Issuer, KeySet Keys, DateTimeOffset Until);
}
