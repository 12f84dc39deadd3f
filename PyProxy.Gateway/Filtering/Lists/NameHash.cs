using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// Hashes a name label by label from its end, so that one pass over a host gives the hash of every suffix of it. Keyed: whoever writes lists
/// or chooses names must not be able to make many of them meet. That two names may still meet is why the table compares what it finds.
/// </summary>
internal readonly struct NameHash
{
    private readonly ulong _start;
    private readonly ulong _key;

    private NameHash(ulong start, ulong key)
    {
        _start = start;
        _key = key;
    }

    /// <summary>The hash of no label at all.</summary>
    public ulong Start => _start;

    public static NameHash Create()
    {
        Span<ulong> random = stackalloc ulong[2];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(random));
        return new NameHash(random[0], random[1] | 1);
    }

    /// <summary>The hash of a suffix that is one label longer.</summary>
    public ulong Add(ulong suffix, ReadOnlySpan<byte> label)
    {
        var hash = Fold(suffix + (ulong)label.Length, _key);
        while (label.Length > sizeof(ulong))
        {
            hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(label), _key);
            label = label[sizeof(ulong)..];
        }

        return Fold(hash ^ Tail(label), _key);
    }

    /// <summary>The hash of a whole name.</summary>
    public ulong Of(ReadOnlySpan<byte> name)
    {
        var hash = _start;
        for (var end = name.Length; end >= 0;)
        {
            var dot = name[..end].LastIndexOf((byte)'.');
            hash = Add(hash, name[(dot + 1)..end]);
            end = dot;
        }

        return hash;
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
