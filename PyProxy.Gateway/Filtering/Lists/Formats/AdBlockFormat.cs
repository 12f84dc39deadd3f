using System.Buffers;

namespace PyProxy.Gateway.Filtering.Lists.Formats;

/// <summary>
/// The rules of an AdBlock list that are about whole domains: <c>||name^</c>, <c>||*.name^</c>, and <c>@@</c> before them. Rules with options, paths
/// or selectors are about pages, which a proxy does not see, and are left out; taking <c>||name^$third-party</c> for the whole
/// domain would refuse what nobody meant to.
/// </summary>
internal sealed class AdBlockFormat : IListFormat
{
    private static readonly SearchValues<byte> BeyondNames = SearchValues.Create("/*^$|:"u8);

    public LineMeaning Read(ReadOnlySpan<byte> line, ListBuilder list)
    {
        var rule = Text.Trim(line);
        if (rule.IsEmpty || rule[0] is (byte)'!' or (byte)'[' || rule.SequenceEqual("#"u8) || rule.StartsWith("# "u8))
        {
            return LineMeaning.Nothing;
        }

        var isException = rule.StartsWith("@@"u8);
        rule = isException ? rule[2..] : rule;
        if (!rule.StartsWith("||"u8))
        {
            return IsText(rule) ? LineMeaning.Unsupported : LineMeaning.Invalid;
        }

        rule = rule[2..];
        var flags = NameFlags.Self | NameFlags.Below;
        if (rule.StartsWith("*."u8))
        {
            rule = rule[2..];
            flags = NameFlags.Below;
        }

        var end = rule.EndsWith("^|"u8) ? rule.Length - 2 : rule.EndsWith("^"u8) ? rule.Length - 1 : -1;
        if (end < 0 || rule[..end].ContainsAny(BeyondNames))
        {
            return IsText(rule) ? LineMeaning.Unsupported : LineMeaning.Invalid;
        }

        return list.TryAddName(rule[..end], isException ? (NameFlags)((byte)flags << 2) : flags) ? LineMeaning.Entry : LineMeaning.Invalid;
    }

    // Every line of text is a rule to an AdBlock list; what has control characters is no text.
    private static bool IsText(ReadOnlySpan<byte> rule) => !rule.ContainsAnyInRange((byte)0, (byte)0x1f);
}
