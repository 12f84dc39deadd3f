using System.ComponentModel;

namespace PyProxy.Gateway.Reverse.Discovery;

/// <summary>The section <c>Gateway:Discovery</c>.</summary>
internal sealed class DiscoveryOptions
{
    public const string SectionPath = "Gateway:Discovery";

    [Description("How often names of destinations with \"Metadata\": { \"Discovery\": \"Dns\" } are resolved again; the resolver's cache (Gateway:Egress:Dns) may "
        + "answer. 00:00:01 to 01:00:00, default 00:00:10.")]
    public TimeSpan Refresh { get; init; } = TimeSpan.FromSeconds(10);
}
