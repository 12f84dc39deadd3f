using System.Collections.Frozen;
using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Names;

/// <summary>Answers names from the profile's own table, before anybody is asked.</summary>
internal sealed class StaticHosts : IResolver
{
    private readonly FrozenDictionary<string, IReadOnlyList<IPAddress>> _hosts;
    private readonly IResolver _others;

    /// <param name="hosts">Names in any spelling, with their addresses.</param>
    /// <param name="others">Resolves what is not in the table.</param>
    public StaticHosts(IReadOnlyDictionary<string, IReadOnlyList<string>> hosts, IResolver others)
    {
        _hosts = hosts.ToFrozenDictionary(
            static host => HostPort.TryCanonicalizeHost(host.Key, out var canonical) ? canonical : host.Key,
            static host => (IReadOnlyList<IPAddress>)[.. host.Value.Select(IPAddress.Parse)],
            StringComparer.Ordinal);
        _others = others;
    }

    public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
        => _hosts.TryGetValue(name, out var addresses) ? ValueTask.FromResult(addresses) : _others.ResolveAsync(name, cancellationToken);
}
