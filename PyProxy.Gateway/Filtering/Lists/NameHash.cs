using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>Two digests of one name that know nothing of each other.</summary>
/// <param name="Place">Where the name is looked for.</param>
/// <param name="Tag">What it is told from others by.</param>
internal readonly record struct NameDigest(ulong Place, ulong Tag);

/// <summary>
/// Hashes a name label by label from its end, so that one pass over a host gives the digest of every suffix of it. Keyed, anew for each list: whoever
/// writes lists or chooses names must not be able to make two of them meet.
/// </summary>
internal readonly struct NameHash
{
    private readonly ulong _placeKey;
    private readonly ulong _tagKey;

    private NameHash(NameDigest start, ulong placeKey, ulong tagKey)
    {
        Start = start;
        _placeKey = placeKey;
        _tagKey = tagKey;
    }

    /// <summary>The digest of no label at all.</summary>
    public NameDigest Start { get; }

    public static NameHash Create()
    {
        Span<ulong> random = stackalloc ulong[4];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(random));
        return new NameHash(new NameDigest(random[0], random[1]), random[2] | 1, random[3] | 1);
    }

    /// <summary>The digest of a suffix that is one label longer.</summary>
    public NameDigest Add(in NameDigest suffix, ReadOnlySpan<byte> label)
    {
        var place = Fold(suffix.Place + (ulong)label.Length, _placeKey);
        var tag = Fold(suffix.Tag + (ulong)label.Length, _tagKey);
        while (label.Length > sizeof(ulong))
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(label);
            place = Fold(place ^ word, _placeKey);
            tag = Fold(tag ^ word, _tagKey);
            label = label[sizeof(ulong)..];
        }

        var rest = Tail(label);
        return new NameDigest(Fold(place ^ rest, _placeKey), Fold(tag ^ rest, _tagKey));
    }

    /// <summary>The digest of a whole name.</summary>
    public NameDigest Of(ReadOnlySpan<byte> name)
    {
        var digest = Start;
        for (var end = name.Length; end >= 0;)
        {
            var dot = name[..end].LastIndexOf((byte)'.');
            digest = Add(digest, name[(dot + 1)..end]);
            end = dot;
        }

        return digest;
    }

    // Both halves of the product: each bit of the input reaches every bit of the output (as in wyhash and mum-hash).
    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }

    // At most eight bytes, read by overlapping words; the length is in the hash already.
    private static ulong Tail(ReadOnlySpan<byte> rest) => rest.Length switch
    {
        8 => BinaryPrimitives.ReadUInt64LittleEndian(rest),
        >= 4 => ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(rest) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(rest[^4..]),
        > 0 => ((ulong)rest[0] << 16) | ((ulong)rest[rest.Length / 2] << 8) | rest[^1],
        _ => 0,
    };
}
