using System.Net;
using System.Text;

namespace PyProxy.Gateway.Filtering.Lists.Formats;

/// <summary>
/// A hosts file that sends names to nowhere: <c>0.0.0.0 name name # comment</c>. A line that gives a name a real address is not about refusing it,
/// and is left out.
/// </summary>
internal sealed class HostsFormat(bool subdomains) : IListFormat
{
    private readonly NameFlags _flags = subdomains ? NameFlags.Self | NameFlags.Below : NameFlags.Self;

    public LineMeaning Read(ReadOnlySpan<byte> line, ListBuilder list)
    {
        var rest = Text.WithoutComment(line, (byte)'#');
        if (rest.IsEmpty)
        {
            return LineMeaning.Nothing;
        }

        var address = Text.NextWord(ref rest);
        var isSink = IsSink(address, out var isAddress);
        if (!isAddress)
        {
            return LineMeaning.Invalid;
        }

        var meaning = LineMeaning.Invalid; // an address without names
        for (var name = Text.NextWord(ref rest); !name.IsEmpty; name = Text.NextWord(ref rest))
        {
            if (IsLocal(name))
            {
                meaning = meaning == LineMeaning.Invalid ? LineMeaning.Nothing : meaning;
            }
            else if (!isSink)
            {
                return LineMeaning.Unsupported;
            }
            else if (!list.TryAddName(name, _flags))
            {
                return LineMeaning.Invalid;
            }
            else
            {
                meaning = LineMeaning.Entry;
            }
        }

        return meaning;
    }

    private static bool IsSink(ReadOnlySpan<byte> text, out bool isAddress)
    {
        isAddress = true;
        if (text.SequenceEqual("0.0.0.0"u8) || text.SequenceEqual("127.0.0.1"u8) || text.SequenceEqual("::"u8) || text.SequenceEqual("::1"u8))
        {
            return true; // nearly every line, without a string
        }

        isAddress = text.Length <= 64 && IPAddress.TryParse(Encoding.ASCII.GetString(text), out var address)
            && (text.Contains((byte)'.') || text.Contains((byte)':'));
        return isAddress && IPAddress.TryParse(Encoding.ASCII.GetString(text), out address)
            && (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
    }

    /// <summary>The machine's own names, which nearly every such file begins with.</summary>
    private static bool IsLocal(ReadOnlySpan<byte> name)
        => name.SequenceEqual("localhost"u8) || name.SequenceEqual("localhost.localdomain"u8) || name.SequenceEqual("local"u8)
            || name.SequenceEqual("broadcasthost"u8) || name.SequenceEqual("0.0.0.0"u8) || name.StartsWith("ip6-"u8);
}
