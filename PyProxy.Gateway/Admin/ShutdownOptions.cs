using System.ComponentModel;

namespace PyProxy.Gateway.Admin;

/// <summary>Section <c>Gateway:Shutdown</c>. Read once at start-up.</summary>
internal sealed class ShutdownOptions
{
    public const string Path = "Gateway:Shutdown";

    [Description("""
        How long listeners go on accepting after readiness has turned off, so that a load balancer notices before it is refused.
        0 to 10 minutes. Default: 0 s. Takes effect after a restart.
        """)]
    public TimeSpan Delay { get; init; }

    [Description("""
        How long requests may take to finish once listeners have stopped accepting; then they are cut. 0 to 1 hour. Default: 30 s.
        Takes effect after a restart.
        """)]
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    [Description("""
        How long tunnels may stay open once listeners have stopped accepting; then they are ended. 0 to 24 hours. Default: 30 s.
        Takes effect after a restart.
        """)]
    public TimeSpan TunnelTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
