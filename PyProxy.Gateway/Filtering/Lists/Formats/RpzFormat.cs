namespace PyProxy.Gateway.Filtering.Lists.Formats;

/// <summary>
/// A response policy zone as a zone file (RFC 1035 §5, draft-vixie-dnsop-dns-rpz): names whose answers it withholds or replaces are listed, names
/// that it lets pass are exceptions. Triggers by address or name server and actions of other kinds are about DNS, and are left out.
/// </summary>
internal sealed class RpzFormat : IListFormat
{
    private byte[] _origin = [];
    private byte[] _apex = [];
    private byte[] _owner = [];
    private int _open;

    public LineMeaning Read(ReadOnlySpan<byte> line, ListBuilder list)
    {
        var isContinuation = _open > 0;
        line = WithoutComment(line, out var opened);
        _open = Math.Max(0, _open + opened);
        if (isContinuation || Text.Trim(line).IsEmpty)
        {
            return LineMeaning.Nothing; // a record in parentheses has said in its first line what it is
        }

        var rest = line;
        if (line[0] is not ((byte)' ' or (byte)'\t'))
        {
            var owner = Text.NextWord(ref rest);
            if (owner[0] == (byte)'$')
            {
                return Directive(owner, rest);
            }

            _owner = owner.ToArray();
        }

        var type = Text.NextWord(ref rest);
        while (IsTtlOrClass(type))
        {
            type = Text.NextWord(ref rest);
        }

        return Record(type, Text.NextWord(ref rest), list);
    }

    private LineMeaning Directive(ReadOnlySpan<byte> name, ReadOnlySpan<byte> rest)
    {
        if (Text.EqualsIgnoreCase(name, "$ORIGIN"u8))
        {
            _origin = Text.NextWord(ref rest).ToArray();
            return _origin is [.., (byte)'.'] ? LineMeaning.Nothing : LineMeaning.Invalid;
        }

        return Text.EqualsIgnoreCase(name, "$TTL"u8) ? LineMeaning.Nothing : LineMeaning.Unsupported;
    }

    private LineMeaning Record(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data, ListBuilder list)
    {
        if (Text.EqualsIgnoreCase(type, "SOA"u8))
        {
            _apex = _owner is [(byte)'@'] ? _origin : _owner is [.., (byte)'.'] ? _owner : [];
            return LineMeaning.Nothing;
        }

        if (Text.EqualsIgnoreCase(type, "NS"u8))
        {
            return LineMeaning.Nothing;
        }

        if (!IsType(type))
        {
            return LineMeaning.Invalid;
        }

        if (!TryGetTrigger(out var trigger) || !TryGetAction(type, data, trigger, out var isException))
        {
            return LineMeaning.Unsupported;
        }

        var isWildcard = trigger.StartsWith("*."u8);
        var flags = isWildcard ? NameFlags.Below : NameFlags.Self;
        return list.TryAddName(isWildcard ? trigger[2..] : trigger, isException ? (NameFlags)((byte)flags << 2) : flags)
            ? LineMeaning.Entry
            : LineMeaning.Invalid;
    }

    /// <summary>The name that the record is about: its owner without the zone's own name.</summary>
    private bool TryGetTrigger(out ReadOnlySpan<byte> trigger)
    {
        trigger = _owner;
        if (trigger.EndsWith("."u8))
        {
            var cut = trigger.Length - _apex.Length - 1;
            if (_apex.Length == 0 || cut <= 0 || trigger[cut] != (byte)'.' || !Text.EqualsIgnoreCase(trigger[(cut + 1)..], _apex))
            {
                return false; // of another zone
            }

            trigger = trigger[..cut];
        }
        else if (!Text.EqualsIgnoreCase(_origin, _apex) && _origin.Length > 0)
        {
            return false; // below a part of the zone; nobody writes such zones
        }

        return !trigger.IsEmpty && trigger[0] != (byte)'@' && !trigger.SequenceEqual("*"u8)
            && !EndsWith(trigger, ".rpz-ip"u8) && !EndsWith(trigger, ".rpz-client-ip"u8)
            && !EndsWith(trigger, ".rpz-nsip"u8) && !EndsWith(trigger, ".rpz-nsdname"u8);
    }

    private static bool TryGetAction(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data, ReadOnlySpan<byte> trigger, out bool isException)
    {
        isException = false;
        if (Text.EqualsIgnoreCase(type, "A"u8) || Text.EqualsIgnoreCase(type, "AAAA"u8))
        {
            return true; // its answer is replaced
        }

        if (!Text.EqualsIgnoreCase(type, "CNAME"u8))
        {
            return false;
        }

        // A name that is an alias of itself is the old way to write passthru.
        isException = Text.EqualsIgnoreCase(data, "rpz-passthru."u8)
            || (data.EndsWith("."u8) && data.Length > 1 && Text.EqualsIgnoreCase(data[..^1], trigger));
        return !Text.EqualsIgnoreCase(data, "rpz-tcp-only."u8);
    }

    private static bool EndsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> end)
        => text.Length >= end.Length && Text.EqualsIgnoreCase(text[^end.Length..], end);

    private static bool IsTtlOrClass(ReadOnlySpan<byte> word)
        => (!word.IsEmpty && char.IsAsciiDigit((char)word[0]))
            || Text.EqualsIgnoreCase(word, "IN"u8) || Text.EqualsIgnoreCase(word, "CH"u8) || Text.EqualsIgnoreCase(word, "HS"u8);

    private static bool IsType(ReadOnlySpan<byte> word)
    {
        foreach (var letter in word)
        {
            if (!char.IsAsciiLetterOrDigit((char)letter))
            {
                return false;
            }
        }

        return word.Length is > 0 and <= 10; // the longest is NSEC3PARAM
    }

    /// <summary>Cuts off the comment, and counts the parentheses that stay open; neither counts inside quotes.</summary>
    private static ReadOnlySpan<byte> WithoutComment(ReadOnlySpan<byte> line, out int opened)
    {
        opened = 0;
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            switch (line[i])
            {
                case (byte)'"':
                    quoted = !quoted;
                    break;
                case (byte)'\\':
                    i++;
                    break;
                case (byte)';' when !quoted:
                    return line[..i];
                case (byte)'(' when !quoted:
                    opened++;
                    break;
                case (byte)')' when !quoted:
                    opened--;
                    break;
            }
        }

        return line;
    }
}
