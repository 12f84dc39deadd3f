using System.Runtime.CompilerServices;
using System.Text;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// Many names in little room: a <see cref="NameTable"/> of keyed digests. A host is listed by itself or by what it is below, so all its suffixes are
/// looked for, except those with as many labels as no entry has. The names themselves are not kept: comparing them would be one more wait for memory,
/// and twice the room.
/// </summary>
/// <remarks>
/// Place and tag are two keyed digests of the same name, so that a host is taken for another only where both meet: for each entry that is looked at
/// with a chance of 2^-60, which at a million look-ups a second is once in thousands of years. Immutable once built.
/// </remarks>
internal sealed class NameSet
{
    private readonly NameHash _hash;
    private readonly NameTable _table;
    private readonly bool _exceptionsWin;
    private readonly ulong _depths;

    private NameSet(NameHash hash, NameTable table, ulong depths, bool exceptionsWin)
    {
        _hash = hash;
        _table = table;
        _depths = depths;
        _exceptionsWin = exceptionsWin;
    }

    /// <summary>Different names.</summary>
    public int Count => _table.Count;

    /// <summary>Memory held.</summary>
    public long Bytes => _table.Bytes;

    /// <param name="host">In canonical spelling, as in <see cref="Traffic.HostPort.Host"/>.</param>
    [SkipLocalsInit]
    public bool Contains(ReadOnlySpan<char> host)
    {
        Span<byte> buffer = stackalloc byte[NameHash.BufferLength];
        if (host.Length is 0 or > NameHash.MaxNameLength
            || Ascii.FromUtf16(host, buffer[NameHash.NameOffset..], out var length) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        Span<NameDigest> suffixes = stackalloc NameDigest[NameHash.MaxLabels];
        var labels = _hash.Suffixes(buffer, length, suffixes);
        var count = KeepPossible(suffixes, labels, out var withHost);
        return Judge(suffixes[..count], withHost);
    }

    private static ulong DepthBit(int labels) => 1UL << Math.Min(labels, 63);

    /// <summary>
    /// Moves what may be in the table to the front. It is all asked for before any of it is looked at: memory answers many questions in the time of one.
    /// </summary>
    /// <param name="suffixes">All of the host.</param>
    /// <param name="labels">How many they are.</param>
    /// <param name="withHost">Whether the last of those kept is the host itself.</param>
    /// <returns>How many are kept.</returns>
    private int KeepPossible(Span<NameDigest> suffixes, int labels, out bool withHost)
    {
        var count = 0;
        withHost = false;
        for (var i = 0; i < labels; i++)
        {
            withHost = (_depths & DepthBit(i + 1)) != 0 && _table.MayHold(suffixes[i]);
            if (withHost)
            {
                suffixes[count] = suffixes[i];
                _table.Prefetch(suffixes[count++]);
            }
        }

        return count;
    }

    private bool Judge(ReadOnlySpan<NameDigest> suffixes, bool withHost)
    {
        var listed = false;
        for (var i = 0; i < suffixes.Length; i++)
        {
            var flags = _table.Find(suffixes[i]);
            var isHost = withHost && i == suffixes.Length - 1;
            if ((flags & (isHost ? NameFlags.ExceptSelf : NameFlags.ExceptBelow)) != NameFlags.None)
            {
                if (_exceptionsWin)
                {
                    return false;
                }

                listed = false;
            }
            else if ((flags & (isHost ? NameFlags.Self : NameFlags.Below)) != NameFlags.None)
            {
                listed = true;
            }
        }

        return listed;
    }

    /// <summary>Collects names; a name may come more than once.</summary>
    public sealed class Builder
    {
        private readonly NameHash _hash = NameHash.Create();
        private readonly NameTable.Builder _entries = new();
        private readonly byte[] _buffer = new byte[NameHash.BufferLength];
        private readonly NameDigest[] _suffixes = new NameDigest[NameHash.MaxLabels];
        private ulong _depths;

        /// <summary>Names so far, each time that one has come.</summary>
        public int Count => _entries.Count;

        /// <param name="name">In canonical spelling.</param>
        /// <param name="flags">What is listed; not nothing.</param>
        public void Add(ReadOnlySpan<byte> name, NameFlags flags)
        {
            name.CopyTo(_buffer.AsSpan(NameHash.NameOffset));
            var labels = _hash.Suffixes(_buffer, name.Length, _suffixes);
            _entries.Add(_suffixes[labels - 1], flags);
            _depths |= DepthBit(labels);
        }

        /// <param name="exceptionsWin">Whether an exception holds against every entry (AdBlock), or the closest entry decides (RPZ).</param>
        public NameSet Build(bool exceptionsWin) => new(_hash, _entries.Build(), _depths, exceptionsWin);
    }
}
