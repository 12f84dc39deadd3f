using System.Collections.Concurrent;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// Whether new traffic should come here. Degraded is still ready: a gateway that serves without its shared state beats one that a load
/// balancer takes away.
/// </summary>
internal sealed class Readiness : IHealthSignal
{
    private readonly ConcurrentDictionary<string, string> _degraded = new(StringComparer.Ordinal);
    private volatile string? _notReady = "starting";

    /// <summary>Why it is not ready; <see langword="null"/> where it is.</summary>
    public string? NotReadyReason => _notReady;

    /// <summary>What works with less than it should have, with the reason of each.</summary>
    public IReadOnlyDictionary<string, string> Degraded => _degraded;

    public void TurnOn() => _notReady = null;

    public void TurnOff(string reason) => _notReady = reason;

    /// <inheritdoc/>
    public void Degrade(string part, string reason) => _degraded[part] = reason;

    /// <inheritdoc/>
    public void Restore(string part) => _degraded.TryRemove(part, out _);
}
