using System.Collections.Frozen;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Egress.Upstreams;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>Makes profiles of their options; one whose options a reload has not changed stays the object that it was.</summary>
internal sealed partial class ProfileCompiler(SystemResolver system, TimeProvider time, EgressMetrics metrics, ILogger<CachingResolver> logger)
{
    private readonly Dictionary<EgressProfile, string> _madeOf = []; // under the runtime's lock

    /// <summary>What leaves without a profile.</summary>
    public static EgressProfile CompileDirect(EgressOptions options, EgressProfile? previous)
    {
        IPAddress[] sources = options.SourceAddress is { } source ? [IPAddress.Parse(source)] : [];
        return previous is not null && previous.Sources.All.SequenceEqual(sources)
            ? previous
            : new EgressProfile(EgressSnapshot.DirectName, new SourceAddresses(sources, SourceSelection.RoundRobin), FamilyPreference.Any) { IsDirect = true };
    }

    public IReadOnlyList<EgressProfile> Compile(EgressOptions options, FrozenDictionary<string, EgressProfile>? previous)
    {
        var result = new List<EgressProfile>(options.Profiles.Count);
        var madeOf = new Dictionary<EgressProfile, string>(options.Profiles.Count);
        foreach (var (name, profile) in options.Profiles)
        {
            var fingerprint = name + JsonSerializer.Serialize(profile, Json.Default.EgressProfileOptions);
            var known = previous?.GetValueOrDefault(name);
            var compiled = known is not null && _madeOf.GetValueOrDefault(known) == fingerprint ? known : Compile(name, profile, known);
            result.Add(compiled);
            madeOf[compiled] = fingerprint;
        }

        _madeOf.Clear();
        foreach (var (profile, fingerprint) in madeOf)
        {
            _madeOf[profile] = fingerprint;
        }

        return result;
    }

    private EgressProfile Compile(string name, EgressProfileOptions options, EgressProfile? previous)
        => new(name, new SourceAddresses([.. options.SourceAddresses.Select(IPAddress.Parse)], options.SourceSelection), options.AddressFamily)
        {
            Dns = options.Dns,
            Resolver = options.Dns is { } dns ? CreateResolver(dns) : null,
            Upstreams = options.Upstreams is { } upstreams ? new UpstreamPool(name, upstreams, time, previous?.Upstreams) : null,
        };

    private StaticHosts CreateResolver(ProfileDnsOptions dns)
    {
        INameLookup lookup = dns.Servers.Count > 0 ? new OwnNameServers(dns) : system;
        var limits = NameCacheLimits.Of(dns);
        return new StaticHosts(dns.Hosts, new CachingResolver(lookup, () => limits, time, metrics, logger));
    }

    [JsonSerializable(typeof(EgressProfileOptions))]
    private sealed partial class Json : JsonSerializerContext;
}
