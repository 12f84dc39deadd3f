namespace PyProxy.Gateway.Filtering.Lists.Formats;

/// <summary>An address range, or a single address, per line; comments begin with <c>#</c> or <c>;</c>.</summary>
internal sealed class CidrFormat : IListFormat
{
    public LineMeaning Read(ReadOnlySpan<byte> line, ListBuilder list)
    {
        var end = line.IndexOfAny("#;"u8);
        var range = Text.Trim(end < 0 ? line : line[..end]);
        return range.IsEmpty ? LineMeaning.Nothing : list.TryAddRange(range) ? LineMeaning.Entry : LineMeaning.Invalid;
    }
}
