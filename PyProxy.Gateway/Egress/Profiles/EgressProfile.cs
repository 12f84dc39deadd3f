using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Egress.Upstreams;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>
/// A profile at run time. A reload that does not touch it keeps the object, and with it names that are remembered, turns, and what is known of
/// upstream proxies; pools of connections belong to one object and no other.
/// </summary>
internal sealed class EgressProfile
{
    public EgressProfile(string name, SourceAddresses sources, FamilyPreference family)
    {
        Name = name;
        Sources = sources;
        Family = family;
        Plain = new EgressChoice(this, sources.AreFixed ? sources.Choose("", "") : default);
    }

    public string Name { get; }

    /// <summary>Whether it is the one that is always there.</summary>
    public bool IsDirect { get; init; }

    public SourceAddresses Sources { get; }

    public FamilyPreference Family { get; }

    /// <summary>The profile's own resolver; <see langword="null"/> = the gateway's.</summary>
    public IResolver? Resolver { get; init; }

    /// <summary>What <see cref="Resolver"/> was made of.</summary>
    public ProfileDnsOptions? Dns { get; init; }

    /// <summary>Where everything goes through; <see langword="null"/> = destinations are dialed directly.</summary>
    public UpstreamPool? Upstreams { get; init; }

    /// <summary>The choice of all exchanges under this profile where nothing sets one apart from another.</summary>
    public EgressChoice Plain { get; }

    /// <summary>Whether exchanges may differ: by source address or upstream proxy.</summary>
    public bool HasChoices => Upstreams is not null || !Sources.AreFixed;

    /// <summary>Takes out and orders addresses by the family that the profile prefers.</summary>
    public static void Prefer(List<IPEndPoint> endPoints, FamilyPreference preference)
    {
        switch (preference)
        {
            case FamilyPreference.OnlyIPv4:
                endPoints.RemoveAll(static e => e.AddressFamily != AddressFamily.InterNetwork);
                break;
            case FamilyPreference.OnlyIPv6:
                endPoints.RemoveAll(static e => e.AddressFamily != AddressFamily.InterNetworkV6);
                break;
            case FamilyPreference.PreferIPv4:
                ToFront(endPoints, AddressFamily.InterNetwork);
                break;
            case FamilyPreference.PreferIPv6:
                ToFront(endPoints, AddressFamily.InterNetworkV6);
                break;
        }
    }

    // Happy Eyeballs alternates families and begins with that of the first address, so one in front is all it takes.
    private static void ToFront(List<IPEndPoint> endPoints, AddressFamily family)
    {
        var first = endPoints.FindIndex(e => e.AddressFamily == family);
        if (first > 0)
        {
            var endPoint = endPoints[first];
            endPoints.RemoveAt(first);
            endPoints.Insert(0, endPoint);
        }
    }
}
