using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>Many address ranges, merged and sorted; an address is found by bisection. Immutable once built.</summary>
internal sealed class AddressSet
{
    private readonly Ranges<uint> _v4;
    private readonly Ranges<UInt128> _v6;

    private AddressSet(Ranges<uint> v4, Ranges<UInt128> v6)
    {
        _v4 = v4;
        _v6 = v6;
    }

    /// <summary>Ranges, once those that touch have become one.</summary>
    public int Count => _v4.Count + _v6.Count;

    /// <summary>Memory held.</summary>
    public long Bytes => ((long)_v4.Count * 2 * sizeof(uint)) + ((long)_v6.Count * 2 * 16);

    /// <param name="address">IPv4 also in its IPv4-mapped spelling.</param>
    public bool Contains(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length))
        {
            return false;
        }

        if (length == sizeof(uint))
        {
            return _v4.Contains(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        }

        return address.IsIPv4MappedToIPv6
            ? _v4.Contains(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]))
            : _v6.Contains(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>Collects ranges.</summary>
    internal sealed class Builder
    {
        private readonly List<(uint First, uint Last)> _v4 = [];
        private readonly List<(UInt128 First, UInt128 Last)> _v6 = [];

        public int Count => _v4.Count + _v6.Count;

        public void Add(Cidr range)
        {
            Span<byte> bytes = stackalloc byte[16];
            range.BaseAddress.TryWriteBytes(bytes, out _);
            if (range.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
            {
                var first = BinaryPrimitives.ReadUInt32BigEndian(bytes);
                _v4.Add((first, first | (range.PrefixLength == 32 ? 0 : uint.MaxValue >> range.PrefixLength)));
            }
            else
            {
                var first = BinaryPrimitives.ReadUInt128BigEndian(bytes);
                _v6.Add((first, first | (range.PrefixLength == 128 ? UInt128.Zero : UInt128.MaxValue >> range.PrefixLength)));
            }
        }

        public AddressSet Build() => new(Ranges<uint>.Merge(_v4), Ranges<UInt128>.Merge(_v6));
    }

    private sealed class Ranges<T>(T[] firsts, T[] lasts)
        where T : struct, System.Numerics.IBinaryInteger<T>
    {
        public int Count => firsts.Length;

        public bool Contains(T address)
        {
            // The last range that begins at or before the address; ranges do not overlap.
            var index = Array.BinarySearch(firsts, address);
            index = index < 0 ? ~index - 1 : index;
            return index >= 0 && address <= lasts[index];
        }

        public static Ranges<T> Merge(List<(T First, T Last)> ranges)
        {
            ranges.Sort();
            var firsts = new List<T>(ranges.Count);
            var lasts = new List<T>(ranges.Count);
            foreach (var (first, last) in ranges)
            {
                if (firsts.Count > 0 && (first <= lasts[^1] || first == lasts[^1] + T.One))
                {
                    lasts[^1] = T.Max(lasts[^1], last);
                }
                else
                {
                    firsts.Add(first);
                    lasts.Add(last);
                }
            }

            return new Ranges<T>([.. firsts], [.. lasts]);
        }
    }
}
