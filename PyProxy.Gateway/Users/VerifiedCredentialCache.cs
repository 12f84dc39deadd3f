using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// Remembers for a short time which credentials were right, so that a password is not stretched anew for every request. Holds no passwords:
/// the key is an HMAC under a key that dies with the process. Wrong credentials are not remembered: strangers would choose what fills it.
/// </summary>
internal sealed class VerifiedCredentialCache(TimeSpan duration, TimeProvider time)
{
    private const int Capacity = 100_000; // ~25 MB; beyond it everyone is verified anew once, which is slow but right

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private readonly ConcurrentDictionary<Digest, Entry> _entries = new();

    public static Digest DigestOf(string userName, string password)
    {
        var maxLength = Encoding.UTF8.GetMaxByteCount(userName.Length) + Encoding.UTF8.GetMaxByteCount(password.Length);
        var text = maxLength <= 512 ? stackalloc byte[512] : new byte[maxLength];
        var nameLength = Encoding.UTF8.GetBytes(userName, text);
        var length = nameLength + Encoding.UTF8.GetBytes(password, text[nameLength..]);
        var digest = DigestOf(text[..nameLength], text[nameLength..length]);
        CryptographicOperations.ZeroMemory(text[..length]);
        return digest;
    }

    /// <summary>The same for UTF-8.</summary>
    public static Digest DigestOf(ReadOnlySpan<byte> userName, ReadOnlySpan<byte> password)
    {
        // The length keeps ("a", "bc") apart from ("ab", "c").
        var length = sizeof(int) + userName.Length + password.Length;
        var text = length <= 512 ? stackalloc byte[512] : new byte[length];
        MemoryMarshal.Write(text, userName.Length);
        userName.CopyTo(text[sizeof(int)..]);
        password.CopyTo(text[(sizeof(int) + userName.Length)..]);
        var digest = default(Digest);
        HMACSHA256.HashData(Key, text[..length], MemoryMarshal.AsBytes(new Span<Digest>(ref digest)));
        CryptographicOperations.ZeroMemory(text[..length]);
        return digest;
    }

    public KnownUser? Find(in Digest digest)
        => _entries.TryGetValue(digest, out var entry) && time.GetElapsedTime(entry.VerifiedAt) < duration ? entry.User : null;

    public void Remember(in Digest digest, KnownUser user)
    {
        if (duration == TimeSpan.Zero)
        {
            return;
        }

        if (_entries.Count >= Capacity)
        {
            _entries.Clear();
        }

        _entries[digest] = new Entry(user, time.GetTimestamp());
    }

    /// <summary>An HMAC-SHA256; keyed, so its bits need no further hashing and comparing it tells a stranger nothing.</summary>
    internal readonly record struct Digest(UInt128 High, UInt128 Low);

    private readonly record struct Entry(KnownUser User, long VerifiedAt);
}
