using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>A host in a rule, in the canonical spelling that hosts of exchanges have.</summary>
/// <param name="Host">The host, or the suffix without <c>*.</c>.</param>
/// <param name="IsSuffix">Whether names below <paramref name="Host"/> are meant, and not itself.</param>
internal readonly record struct HostPattern(string Host, bool IsSuffix)
{
    public static bool TryParse(string text, out HostPattern pattern)
    {
        pattern = default;
        var isSuffix = text.StartsWith("*.", StringComparison.Ordinal);
        if (!HostPort.TryCanonicalizeHost(isSuffix ? text.AsSpan(2) : text, out var host))
        {
            return false;
        }

        pattern = new HostPattern(host, isSuffix);
        return !isSuffix || !new HostPort(host, 80).TryGetAddress(out _); // there are no names below an address
    }
}
