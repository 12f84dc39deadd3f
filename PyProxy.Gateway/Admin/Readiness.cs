using System.Collections.Concurrent;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// Whether new traffic should come here. Degraded is still ready: a gateway that serves without its shared state beats one that a load
/// balancer takes away.
/// </summary>
internal sealed class Readiness
{
    private readonly ConcurrentDictionary<string, string> _degraded = new(StringComparer.Ordinal);
    private volatile string? _notReady = "starting";

    /// <summary>Why it is not ready; <see langword="null"/> where it is.</summary>
    public string? NotReadyReason => _notReady;

    /// <summary>What works with less than it should have, with the reason of each.</summary>
    public IReadOnlyDictionary<string, string> Degraded => _degraded;

    public void TurnOn() => _notReady = null;

    public void TurnOff(string reason) => _notReady = reason;

    /// <param name="part">Short name of what is affected.</param>
    /// <param name="reason">One sentence; anybody who can reach the admin role reads it, so nothing secret.</param>
    public void Degrade(string part, string reason) => _degraded[part] = reason;

    public void Restore(string part) => _degraded.TryRemove(part, out _);
}
