using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>Two digests of one name that know nothing of each other.</summary>
/// <param name="Place">Where the name is looked for.</param>
/// <param name="Tag">What it is told from others by.</param>
internal readonly record struct NameDigest(ulong Place, ulong Tag);

/// <summary>
/// Hashes a name label by label from its end, so that one pass over a host gives the digest of every suffix of it. Keyed, anew for each list: whoever
/// writes lists or chooses names must not be able to make two of them meet. Names come with room around them, so that a label is read by whole words
/// whatever its length: branches on lengths, which no processor foresees, cost more than the hashing.
/// </summary>
internal readonly struct NameHash
{
    public const int MaxNameLength = 253;
    public const int MaxLabels = MaxNameLength + 1;

    /// <summary>Where in its buffer a name begins.</summary>
    public const int NameOffset = 2 * sizeof(ulong);

    /// <summary>The buffer that a name needs.</summary>
    public const int BufferLength = NameOffset + (4 * WindowLength);

    private const int WindowLength = 64;

    private readonly NameDigest _start;
    private readonly NameDigest _key;

    private NameHash(NameDigest start, NameDigest key)
    {
        _start = start;
        _key = key;
    }

    public static NameHash Create()
    {
        Span<ulong> random = stackalloc ulong[4];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(random));
        return new NameHash(new NameDigest(random[0], random[1]), new NameDigest(random[2], random[3]));
    }

    /// <summary>The digests of all suffixes of a name, the shortest first and the name itself last.</summary>
    /// <param name="buffer"><see cref="BufferLength"/> bytes, with the name at <see cref="NameOffset"/>.</param>
    /// <param name="length">The name's; at least 1.</param>
    /// <param name="suffixes">Takes <see cref="MaxLabels"/>.</param>
    /// <returns>How many.</returns>
    public int Suffixes(ReadOnlySpan<byte> buffer, int length, Span<NameDigest> suffixes)
    {
        var digest = _start;
        var count = 0;
        var end = NameOffset + length;
        for (var window = (length - 1) & ~(WindowLength - 1); window >= 0; window -= WindowLength)
        {
            var dots = Dots(buffer.Slice(NameOffset + window, WindowLength)) & (ulong.MaxValue >> (WindowLength - Math.Min(WindowLength, length - window)));
            while (dots != 0)
            {
                var last = BitOperations.Log2(dots);
                dots ^= 1UL << last;
                var dot = NameOffset + window + last;
                digest = Add(digest, buffer, dot + 1, end);
                suffixes[count++] = digest;
                end = dot;
            }
        }

        suffixes[count++] = Add(digest, buffer, NameOffset, end);
        return count;
    }

    /// <summary>The digest of a suffix that is one label longer.</summary>
    private NameDigest Add(NameDigest suffix, ReadOnlySpan<byte> buffer, int start, int end)
    {
        var length = end - start;
        var place = suffix.Place + (ulong)length;
        var tag = suffix.Tag + (ulong)length;
        for (; length > 2 * sizeof(ulong); length -= 2 * sizeof(ulong), end -= 2 * sizeof(ulong))
        {
            var (last, before) = (Word(buffer, end, sizeof(ulong)), Word(buffer, end - sizeof(ulong), sizeof(ulong)));
            place = Fold(place ^ last, _key.Place ^ before);
            tag = Fold(tag ^ last, _key.Tag ^ before);
        }

        var tail = Word(buffer, end, Math.Min(length, sizeof(ulong)));
        var head = Word(buffer, end - sizeof(ulong), Math.Max(length - sizeof(ulong), 0));
        return new NameDigest(Fold(place ^ tail, _key.Place ^ head), Fold(tag ^ tail, _key.Tag ^ head));
    }

    // Both halves of the product: each bit of the input reaches every bit of the output (as in wyhash and mum-hash).
    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }

    // The last `count` bytes before `end`; what stands before them is shifted out, in two steps as no shift goes by all 64 bits.
    private static ulong Word(ReadOnlySpan<byte> buffer, int end, int count)
    {
        var surplus = 4 * (sizeof(ulong) - count);
        return BinaryPrimitives.ReadUInt64LittleEndian(buffer[(end - sizeof(ulong))..]) >> surplus >> surplus;
    }

    private static ulong Dots(ReadOnlySpan<byte> window)
        => Vector256.Equals(Vector256.Create(window), Vector256.Create((byte)'.')).ExtractMostSignificantBits()
            | ((ulong)Vector256.Equals(Vector256.Create(window[Vector256<byte>.Count..]), Vector256.Create((byte)'.')).ExtractMostSignificantBits() << 32);
}
