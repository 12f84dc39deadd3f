using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// What is listed under each digest: a table of buckets, each one cache line of eight entries, so that a look-up waits for memory once (with a million
/// names the table is larger than what a processor keeps at hand). Of an entry's eight bytes, sixty bits are of the digest's tag and four are flags.
/// Before it stands a Bloom filter of a byte a name, each name's bits in one word, which a processor does keep at hand and which answers nineteen in
/// twenty of the look-ups that find nothing.
/// </summary>
/// <remarks>
/// A bucket is filled from its first entry on, and what finds it full goes into the next: where the last entry is free, no look-up has to go on.
/// Filled to seven eighths, it sends about one name in eight to the next line; twice the room spares that, and measured no faster (ListBenchmarks).
/// Pinned, because only so does a line of the table stay a line of the cache. Immutable once built.
/// </remarks>
internal sealed class NameTable
{
    private const ulong FlagBits = 0xF;
    private const int BucketSize = 8;
    private const int NamesPerBucket = 7;
    private const int LineBytes = BucketSize * sizeof(ulong);

    private readonly ulong[] _filter;
    private readonly ulong[] _entries;
    private readonly nuint _first;
    private readonly uint _buckets;

    private NameTable(int names)
    {
        _filter = new ulong[Math.Max(1, names / sizeof(ulong))];
        _buckets = (uint)(names / NamesPerBucket) + 1;
        _entries = GC.AllocateArray<ulong>((int)(_buckets + 1) * BucketSize, pinned: true);
        _first = (nuint)((-Address(_entries) & (LineBytes - 1)) / sizeof(ulong));
    }

    /// <summary>Different names.</summary>
    public int Count { get; private set; }

    /// <summary>Memory held.</summary>
    public long Bytes => ((long)_entries.Length + _filter.Length) * sizeof(ulong);

    /// <summary>Whether <see cref="Find"/> may find anything.</summary>
    public bool MayHold(in NameDigest digest)
    {
        var bits = FilterBits(digest);
        return (_filter[FilterWordOf(digest)] & bits) == bits;
    }

    /// <summary>Has memory begin to fetch what <see cref="Find"/> will look at.</summary>
    public unsafe void Prefetch(in NameDigest digest)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Bucket(BucketOf(digest))));
        }
    }

    public NameFlags Find(in NameDigest digest)
    {
        var tag = Vector256.Create(digest.Tag & ~FlagBits);
        var tagBits = Vector256.Create(~FlagBits);
        for (var bucket = BucketOf(digest); ; bucket = Next(bucket))
        {
            ref var entries = ref Bucket(bucket);
            var first = Vector256.Equals(Vector256.LoadUnsafe(ref entries) & tagBits, tag);
            var second = Vector256.Equals(Vector256.LoadUnsafe(ref entries, BucketSize / 2) & tagBits, tag);
            var matches = first.ExtractMostSignificantBits() | (second.ExtractMostSignificantBits() << (BucketSize / 2));
            if (matches != 0)
            {
                return (NameFlags)(Unsafe.Add(ref entries, BitOperations.TrailingZeroCount(matches)) & FlagBits);
            }

            if (Unsafe.Add(ref entries, BucketSize - 1) == 0)
            {
                return NameFlags.None;
            }
        }
    }

    private static unsafe long Address(ulong[] pinned) => (long)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));

    // Four of a word's 64 bits, by what of the tag lies above its flags.
    private static ulong FilterBits(in NameDigest digest)
        => (1UL << (int)(digest.Tag >> 4)) | (1UL << (int)(digest.Tag >> 10)) | (1UL << (int)(digest.Tag >> 16)) | (1UL << (int)(digest.Tag >> 22));

    // A share of the table as large as the share of its range that the digest has reached: no power of two is needed, and no division.
    private uint BucketOf(in NameDigest digest) => (uint)(((digest.Place >> 32) * _buckets) >> 32);

    private uint FilterWordOf(in NameDigest digest) => (uint)(((digest.Place & uint.MaxValue) * (uint)_filter.Length) >> 32);

    private uint Next(uint bucket) => bucket + 1 == _buckets ? 0 : bucket + 1;

    private ref ulong Bucket(uint bucket) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_entries), _first + ((nuint)bucket * BucketSize));

    private void Put(in NameDigest named)
    {
        _filter[FilterWordOf(named)] |= FilterBits(named);
        var entry = named.Tag;
        for (var bucket = BucketOf(named); ; bucket = Next(bucket))
        {
            var entries = MemoryMarshal.CreateSpan(ref Bucket(bucket), BucketSize);
            for (var i = 0; i < BucketSize; i++)
            {
                if (entries[i] == 0 || (entries[i] ^ entry) <= FlagBits)
                {
                    Count += entries[i] == 0 ? 1 : 0;
                    entries[i] |= entry; // of a name that is there already only flags are new
                    return;
                }
            }
        }
    }

    /// <summary>Collects entries; a name may come more than once.</summary>
    public sealed class Builder
    {
        private readonly List<NameDigest> _entries = []; // with the flags in place of the tag's last bits

        /// <summary>Names so far, each time that one has come.</summary>
        public int Count => _entries.Count;

        /// <param name="digest">The name's.</param>
        /// <param name="flags">What is listed; not nothing.</param>
        public void Add(in NameDigest digest, NameFlags flags) => _entries.Add(digest with { Tag = (digest.Tag & ~FlagBits) | (ulong)flags });

        public NameTable Build()
        {
            var table = new NameTable(_entries.Count);
            foreach (var entry in _entries)
            {
                table.Put(entry);
            }

            return table;
        }
    }
}
