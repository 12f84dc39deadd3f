using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// Many names in little room: an open-addressing table of one-byte fingerprints (what a miss looks at: 2 MB for a million names), the
/// place of each entry, and the names themselves, which are compared before anything is called found. Immutable once built.
/// </summary>
internal sealed class NameSet
{
    private const int MaxHostLength = 253;

    private readonly NameArena _arena;
    private readonly NameHash _hash;
    private readonly byte[] _fingerprints;
    private readonly uint[] _entries;
    private readonly int _mask;
    private readonly bool _exceptionsWin;
    private ulong _depths;

    private NameSet(NameArena arena, int capacity, bool exceptionsWin)
    {
        _arena = arena;
        _hash = NameHash.Create();

        // Between a third and two thirds full: a miss looks at two or three neighbouring bytes.
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, capacity + (capacity / 2)));
        _mask = size - 1;
        _fingerprints = new byte[size];
        _entries = new uint[size];
        _exceptionsWin = exceptionsWin;
    }

    /// <summary>Different names.</summary>
    public int Count { get; private set; }

    /// <summary>Memory held.</summary>
    public long Bytes => _arena.Bytes + _fingerprints.Length + ((long)_entries.Length * sizeof(uint));

    /// <param name="arena">The names, which this set owns from now on.</param>
    /// <param name="entries">Where each entry of the arena stands; a name may stand there more than once.</param>
    /// <param name="exceptionsWin">Whether an exception holds against every entry (AdBlock), or the closest entry decides (RPZ).</param>
    public static NameSet Build(NameArena arena, IReadOnlyCollection<uint> entries, bool exceptionsWin)
    {
        var set = new NameSet(arena, entries.Count, exceptionsWin);
        foreach (var entry in entries)
        {
            set.Insert(entry);
        }

        return set;
    }

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
        var hash = _hash.Start;
        var depth = 0;
        for (var end = name.Length; end >= 0;)
        {
            var dot = name[..end].LastIndexOf((byte)'.');
            hash = _hash.Add(hash, name[(dot + 1)..end]);
            end = dot;
            if ((_depths & DepthBit(++depth)) == 0)
            {
                continue; // no entry has as many labels
            }

            var flags = Find(hash, name[(dot + 1)..]);
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

    private static byte Fingerprint(ulong hash) => (byte)Math.Max(1, hash >> 56); // 0 = nothing there

    private NameFlags Find(ulong hash, ReadOnlySpan<byte> name)
    {
        var fingerprint = Fingerprint(hash);
        for (var slot = (int)hash & _mask; _fingerprints[slot] != 0; slot = (slot + 1) & _mask)
        {
            if (_fingerprints[slot] == fingerprint && _arena.Name(_entries[slot]).SequenceEqual(name))
            {
                return _arena.Flags(_entries[slot]);
            }
        }

        return NameFlags.None;
    }

    private void Insert(uint entry)
    {
        var name = _arena.Name(entry);
        var hash = _hash.Of(name);
        var fingerprint = Fingerprint(hash);
        var slot = (int)hash & _mask;
        for (; _fingerprints[slot] != 0; slot = (slot + 1) & _mask)
        {
            if (_fingerprints[slot] == fingerprint && _arena.Name(_entries[slot]).SequenceEqual(name))
            {
                _arena.AddFlags(_entries[slot], _arena.Flags(entry));
                return;
            }
        }

        _fingerprints[slot] = fingerprint;
        _entries[slot] = entry;
        _depths |= DepthBit(name.Count((byte)'.') + 1);
        Count++;
    }
}
