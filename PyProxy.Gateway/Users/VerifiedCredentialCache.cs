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
internal sealed class VerifiedCredentialCache(TimeProvider time)
{
    // ~50 MB; beyond it everyone is verified anew once, which is slow but right.
    private const int Capacity = 200_000;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private readonly ConcurrentDictionary<Digest, Entry> _entries = new();
    private long _changes;
    private long _sweptAt = time.GetTimestamp();

    /// <summary>What a digest is of: a password must not pass for a key.</summary>
    internal enum CredentialKind : byte
    {
        Password = 0,
        ApiKey,

        /// <summary>A name that something else than a secret proves.</summary>
        Name,
    }

    /// <summary>How often users changed. Read it before a store is asked, and give it to <see cref="Remember"/>.</summary>
    public long Changes => Volatile.Read(ref _changes);

    public int Count => _entries.Count;

    public static Digest DigestOf(CredentialKind kind, string userName, string secret)
    {
        var maxLength = Encoding.UTF8.GetMaxByteCount(userName.Length) + Encoding.UTF8.GetMaxByteCount(secret.Length);
        var text = maxLength <= 512 ? stackalloc byte[512] : new byte[maxLength];
        var nameLength = Encoding.UTF8.GetBytes(userName, text);
        var length = nameLength + Encoding.UTF8.GetBytes(secret, text[nameLength..]);
        var digest = DigestOf(kind, text[..nameLength], text[nameLength..length]);
        CryptographicOperations.ZeroMemory(text[..length]);
        return digest;
    }

    /// <summary>The same for UTF-8.</summary>
    public static Digest DigestOf(CredentialKind kind, ReadOnlySpan<byte> userName, ReadOnlySpan<byte> secret)
    {
        // The length keeps ("a", "bc") apart from ("ab", "c").
        const int head = sizeof(byte) + sizeof(int);
        var length = head + userName.Length + secret.Length;
        var text = length <= 512 ? stackalloc byte[512] : new byte[length];
        text[0] = (byte)kind;
        MemoryMarshal.Write(text[sizeof(byte)..], userName.Length);
        userName.CopyTo(text[head..]);
        secret.CopyTo(text[(head + userName.Length)..]);
        var digest = default(Digest);
        HMACSHA256.HashData(Key, text[..length], MemoryMarshal.AsBytes(new Span<Digest>(ref digest)));
        CryptographicOperations.ZeroMemory(text[..length]);
        return digest;
    }

    /// <summary>The user whose credentials were verified no longer ago than that.</summary>
    public KnownUser? Find(in Digest digest, TimeSpan notLongerAgo)
        => _entries.TryGetValue(digest, out var entry) && time.GetElapsedTime(entry.VerifiedAt) < notLongerAgo ? entry.User : null;

    /// <param name="digest">Of the credentials that were right.</param>
    /// <param name="user">Whose they are.</param>
    /// <param name="changesBefore"><see cref="Changes"/> from before the store was asked: what was found before a change is not remembered after it.</param>
    /// <param name="keep">How long an entry is of use.</param>
    public void Remember(in Digest digest, KnownUser user, long changesBefore, TimeSpan keep)
    {
        if (keep == TimeSpan.Zero)
        {
            return;
        }

        SweepNowAndThen(keep);
        if (_entries.Count >= Capacity)
        {
            _entries.Clear();
        }

        _entries[digest] = new Entry(user, time.GetTimestamp());
        if (Changes != changesBefore)
        {
            _entries.TryRemove(digest, out _);
        }
    }

    /// <summary>Forgets these users, or everybody.</summary>
    public void Forget(IReadOnlySet<string>? userNames)
    {
        // Counted first: whoever remembers something later than this sees it, whoever did so earlier is found below.
        Interlocked.Increment(ref _changes);
        if (userNames is null)
        {
            _entries.Clear();
            return;
        }

        foreach (var (digest, entry) in _entries)
        {
            if (userNames.Contains(entry.User.Name))
            {
                _entries.TryRemove(digest, out _);
            }
        }
    }

    private void SweepNowAndThen(TimeSpan keep)
    {
        var swept = Volatile.Read(ref _sweptAt);
        if (time.GetElapsedTime(swept) < SweepInterval || Interlocked.CompareExchange(ref _sweptAt, time.GetTimestamp(), swept) != swept)
        {
            return;
        }

        foreach (var (digest, entry) in _entries)
        {
            if (time.GetElapsedTime(entry.VerifiedAt) >= keep)
            {
                _entries.TryRemove(digest, out _);
            }
        }
    }

    /// <summary>An HMAC-SHA256; keyed, so its bits need no further hashing and comparing it tells a stranger nothing.</summary>
    internal readonly record struct Digest(UInt128 High, UInt128 Low);

    private readonly record struct Entry(KnownUser User, long VerifiedAt);
}
