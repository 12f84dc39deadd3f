using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// Many names in little room: an open-addressing table of one-byte fingerprints (what a miss looks at: 2 MB for a million names), and of eight bytes
/// per place, of which sixty bits are a digest's and four say what is listed. The names themselves are not kept: comparing them would be one more wait for
/// memory, which made a hit twice as slow (ListBenchmarks), and twice the room.
/// </summary>
/// <remarks>
/// Place and tag are two keyed digests of the same name, so that a host is taken for another only where both meet: for each place that is looked at
/// with a chance of 2^-60, which at a million look-ups a second is once in tens of thousands of years. Immutable once built.
/// </remarks>
internal sealed class NameSet
{
    private const int MaxHostLength = 253;
    private const ulong FlagBits = 0xF;

    private readonly NameHash _hash;
    private readonly byte[] _fingerprints;
    private readonly ulong[] _places;
    private readonly int _mask;
    private readonly bool _exceptionsWin;
    private readonly ulong _depths;

    private NameSet(NameHash hash, byte[] fingerprints, ulong[] places, ulong depths, int count, bool exceptionsWin)
    {
        _hash = hash;
        _fingerprints = fingerprints;
        _places = places;
        _mask = places.Length - 1;
        _depths = depths;
        _exceptionsWin = exceptionsWin;
        Count = count;
    }

    /// <summary>Different names.</summary>
    public int Count { get; }

    /// <summary>Memory held.</summary>
    public long Bytes => _fingerprints.Length + ((long)_places.Length * sizeof(ulong));

    /// <param name="host">In canonical spelling, as in <see cref="Traffic.HostPort.Host"/>.</param>
    [SkipLocalsInit]
    public bool Contains(ReadOnlySpan<char> host)
    {
        Span<byte> buffer = stackalloc byte[MaxHostLength];
        if (host.Length is 0 or > MaxHostLength || Ascii.FromUtf16(host, buffer, out var length) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        ReadOnlySpan<byte> name = buffer[..length];
        var listed = false;
        var digest = _hash.Start;
        var depth = 0;
        for (var end = name.Length; end >= 0;)
        {
            var dot = name[..end].LastIndexOf((byte)'.');
            digest = _hash.Add(digest, name[(dot + 1)..end]);
            end = dot;
            if ((_depths & DepthBit(++depth)) == 0)
            {
                continue; // no entry has as many labels
            }

            var flags = Find(digest);
            if ((flags & (dot < 0 ? NameFlags.ExceptSelf : NameFlags.ExceptBelow)) != NameFlags.None)
            {
                if (_exceptionsWin)
                {
                    return false;
                }

                listed = false;
            }
            else if ((flags & (dot < 0 ? NameFlags.Self : NameFlags.Below)) != NameFlags.None)
            {
                listed = true;
            }
        }

        return listed;
    }

    private static ulong DepthBit(int labels) => 1UL << Math.Min(labels, 63);

    private static byte Fingerprint(ulong tag) => (byte)Math.Max(1, tag >> 56); // 0 = nothing there

    private NameFlags Find(in NameDigest digest)
    {
        var fingerprint = Fingerprint(digest.Tag);
        for (var place = (int)digest.Place & _mask; _fingerprints[place] != 0; place = (place + 1) & _mask)
        {
            if (_fingerprints[place] == fingerprint && (_places[place] ^ digest.Tag) <= FlagBits)
            {
                return (NameFlags)(_places[place] & FlagBits);
            }
        }

        return NameFlags.None;
    }

    /// <summary>Collects names; a name may come more than once.</summary>
    public sealed class Builder
    {
        private readonly NameHash _hash = NameHash.Create();
        private readonly List<(int Place, ulong Entry)> _entries = [];
        private ulong _depths;

        /// <summary>Names so far, each time that one has come.</summary>
        public int Count => _entries.Count;

        /// <param name="name">In canonical spelling.</param>
        /// <param name="flags">What is listed; not nothing.</param>
        public void Add(ReadOnlySpan<byte> name, NameFlags flags)
        {
            var digest = _hash.Of(name);
            _entries.Add(((int)digest.Place, (digest.Tag & ~FlagBits) | (ulong)flags));
            _depths |= DepthBit(name.Count((byte)'.') + 1);
        }

        /// <param name="exceptionsWin">Whether an exception holds against every entry (AdBlock), or the closest entry decides (RPZ).</param>
        public NameSet Build(bool exceptionsWin)
        {
            // Between a third and two thirds full: a look-up that finds nothing looks at two or three neighbours.
            var places = new ulong[BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, _entries.Count + (_entries.Count / 2)))];
            var fingerprints = new byte[places.Length];
            var count = 0;
            foreach (var (first, entry) in _entries)
            {
                var place = first & (places.Length - 1);
                while (places[place] != 0 && (places[place] ^ entry) > FlagBits)
                {
                    place = (place + 1) & (places.Length - 1);
                }

                count += places[place] == 0 ? 1 : 0;
                places[place] |= entry; // of a name that is there already only flags are new
                fingerprints[place] = Fingerprint(entry);
            }

            return new NameSet(_hash, fingerprints, places, _depths, count, exceptionsWin);
        }
    }
}
