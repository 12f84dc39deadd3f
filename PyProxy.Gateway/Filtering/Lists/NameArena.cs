namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// Names one behind the other in chunks: length, flags, bytes. Chunks, because one growing array would be copied whole each time and take
/// twice its size while it is.
/// </summary>
internal sealed class NameArena
{
    private const int ChunkBits = 20;
    private const int ChunkSize = 1 << ChunkBits;
    private const int HeadSize = 2;

    private readonly List<byte[]> _chunks = [];
    private int _used = ChunkSize;

    public long Bytes => (long)_chunks.Count * ChunkSize;

    /// <returns>Where the entry stands.</returns>
    public uint Add(ReadOnlySpan<byte> name, NameFlags flags)
    {
        if (_used + HeadSize + name.Length > ChunkSize)
        {
            _chunks.Add(GC.AllocateUninitializedArray<byte>(ChunkSize));
            _used = 0;
        }

        var chunk = _chunks[^1];
        var entry = ((uint)(_chunks.Count - 1) << ChunkBits) | (uint)_used;
        chunk[_used] = (byte)name.Length; // at most 253, as every canonical host
        chunk[_used + 1] = (byte)flags;
        name.CopyTo(chunk.AsSpan(_used + HeadSize));
        _used += HeadSize + name.Length;
        return entry;
    }

    public ReadOnlySpan<byte> Name(uint entry)
    {
        var head = Head(entry, out var chunk);
        return chunk.AsSpan(head + HeadSize, chunk[head]);
    }

    public NameFlags Flags(uint entry) => (NameFlags)_chunks[(int)(entry >> ChunkBits)][Offset(entry) + 1];

    public void AddFlags(uint entry, NameFlags flags)
    {
        var head = Head(entry, out var chunk);
        chunk[head + 1] |= (byte)flags;
    }

    private static int Offset(uint entry) => (int)(entry & (ChunkSize - 1));

    private int Head(uint entry, out byte[] chunk)
    {
        chunk = _chunks[(int)(entry >> ChunkBits)];
        return Offset(entry);
    }
}
