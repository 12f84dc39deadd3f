namespace PyProxy.Gateway.Filtering.Lists.Formats;

internal enum LineMeaning
{
    /// <summary>Empty, a comment, or something that every such file has and nobody means.</summary>
    Nothing = 0,

    Entry,

    /// <summary>The format has such lines, the gateway has no use for them.</summary>
    Unsupported,

    /// <summary>No line of the format.</summary>
    Invalid,
}

/// <summary>One way to write a list. An instance reads one list from its beginning to its end.</summary>
internal interface IListFormat
{
    /// <param name="line">Without its end.</param>
    /// <param name="list">Receives what the line says.</param>
    LineMeaning Read(ReadOnlySpan<byte> line, ListBuilder list);

    static IListFormat Create(ListOptions options) => options.Format switch
    {
        ListFormat.Domains => new DomainsFormat(options.Subdomains ?? true),
        ListFormat.Hosts => new HostsFormat(options.Subdomains ?? false),
        ListFormat.AdBlock => new AdBlockFormat(),
        ListFormat.Rpz => new RpzFormat(),
        ListFormat.Cidr => new CidrFormat(),
        _ => throw new InvalidOperationException("The list's format was not validated."),
    };
}

internal static class Text
{
    private static ReadOnlySpan<byte> Blanks => " \t"u8;

    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(Blanks);

    /// <summary>Cuts off a comment: the mark at the beginning or behind a blank, and what follows.</summary>
    public static ReadOnlySpan<byte> WithoutComment(ReadOnlySpan<byte> line, byte mark)
    {
        for (var at = line.IndexOf(mark); at >= 0;)
        {
            if (at == 0 || Blanks.Contains(line[at - 1]))
            {
                return Trim(line[..at]);
            }

            var next = line[(at + 1)..].IndexOf(mark);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return Trim(line);
    }

    /// <summary>Takes the next word off the front; empty at the end.</summary>
    public static ReadOnlySpan<byte> NextWord(ref ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(Blanks);
        var end = text.IndexOfAny(Blanks);
        var word = end < 0 ? text : text[..end];
        text = text[word.Length..];
        return word;
    }

    public static bool EqualsIgnoreCase(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => System.Text.Ascii.EqualsIgnoreCase(left, right);
}
