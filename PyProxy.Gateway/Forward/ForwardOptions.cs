using System.ComponentModel;

namespace PyProxy.Gateway.Forward;

/// <summary>Section <c>Gateway:Forward</c>.</summary>
internal sealed class ForwardOptions
{
    public const string SectionPath = "Gateway:Forward";

    [Description("""
        How long a forwarded request (one that is no tunnel) may go without progress: waiting for the destination's answer, or for the next
        bytes of either body. 1 second to 24 hours. Default: 5 minutes.
        """)]
    public TimeSpan ActivityTimeout { get; init; } = TimeSpan.FromMinutes(5);

    [Description("""
        Pipeline of Gateway:Resilience:Pipelines for forwarded requests (not for tunnels). Each try goes to the destination that the client named, so
        what chooses between destinations (CircuitBreaker, Ejection, SlowStart) does not take part. Default: none.
        """)]
    public string? Resilience { get; init; }
}
