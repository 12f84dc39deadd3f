namespace PyProxy.Gateway.Filtering.Lists.Formats;

/// <summary>A name (or address) per line. <c>*.name</c> covers the names below it only, <c>.name</c> itself too; comments begin with <c>#</c>.</summary>
internal sealed class DomainsFormat(bool subdomains) : IListFormat
{
    private readonly NameFlags _plain = subdomains ? NameFlags.Self | NameFlags.Below : NameFlags.Self;

    public LineMeaning Read(ReadOnlySpan<byte> line, ListBuilder list)
    {
        var name = Text.WithoutComment(line, (byte)'#');
        if (name.IsEmpty)
        {
            return LineMeaning.Nothing;
        }

        var isEntry = name.StartsWith("*."u8) ? list.TryAddName(name[2..], NameFlags.Below)
            : name[0] == (byte)'.' ? list.TryAddName(name[1..], NameFlags.Self | NameFlags.Below)
            : list.TryAddName(name, _plain);
        return isEntry ? LineMeaning.Entry : LineMeaning.Invalid;
    }
}
