using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>Collects the entries of one list, in the canonical spelling that hosts of exchanges have.</summary>
internal sealed class ListBuilder(ListOptions options)
{
    private const int MaxNameLength = 253;
    private const int MaxWrittenLength = 1024; // names of another alphabet are longer before they are brought to ASCII

    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-._"u8);

    private readonly NameSet.Builder _names = new();
    private readonly AddressSet.Builder _addresses = new();

    /// <summary>Adds a name.</summary>
    /// <returns>False where the text is none.</returns>
    public bool TryAddName(ReadOnlySpan<byte> text, NameFlags flags)
    {
        if (IsCanonical(text))
        {
            Add(text, flags);
            return true;
        }

        return text.Length <= MaxWrittenLength && Utf8.IsValid(text) && TryAddSpelling(Encoding.UTF8.GetString(text), flags);
    }

    public bool TryAddRange(ReadOnlySpan<byte> text)
    {
        // The longest spelling of an IPv6 range has 49 characters.
        if (text.Length > 64 || !Cidr.TryParse(Encoding.UTF8.GetString(text), out var range))
        {
            return false;
        }

        _addresses.Add(range);
        CheckCount();
        return true;
    }

    public LoadedList Build(ListSummary summary)
    {
        var names = _names.Build(exceptionsWin: options.Format != ListFormat.Rpz);
        var addresses = _addresses.Build();
        return new LoadedList(names, addresses, summary with { Entries = names.Count + addresses.Count });
    }

    /// <summary>Whether <see cref="HostPort.TryCanonicalizeHost"/> would leave the name as it is. Nearly every line is so, and costs no string.</summary>
    private static bool IsCanonical(ReadOnlySpan<byte> name)
        => name.Length is > 0 and <= MaxNameLength
            && !name.ContainsAnyExcept(PlainBytes)
            && name[0] != (byte)'.'
            && name[^1] != (byte)'.'
            && name.IndexOf(".."u8) < 0
            && !char.IsAsciiDigit((char)name[name.LastIndexOf((byte)'.') + 1]); // could be an address

    private bool TryAddSpelling(string text, NameFlags flags)
    {
        if (!HostPort.TryCanonicalizeHost(text, out var host))
        {
            return false;
        }

        if (new HostPort(host, 1).TryGetAddress(out _))
        {
            flags &= NameFlags.Self | NameFlags.ExceptSelf; // there are no names below an address
        }

        if (flags == NameFlags.None)
        {
            return false;
        }

        Span<byte> name = stackalloc byte[MaxNameLength];
        Add(name[..Encoding.ASCII.GetBytes(host, name)], flags);
        return true;
    }

    private void Add(ReadOnlySpan<byte> name, NameFlags flags)
    {
        _names.Add(name, flags);
        CheckCount();
    }

    private void CheckCount()
    {
        if (_names.Count + _addresses.Count > options.MaxEntries)
        {
            throw new ListException(string.Create(CultureInfo.InvariantCulture, $"it has more than {options.MaxEntries} entries (MaxEntries)"));
        }
    }
}
