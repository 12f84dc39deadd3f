using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Egress;

/// <summary>Holds the section's compiled form and replaces it when the configuration changes.</summary>
internal sealed class EgressRuntime : IDisposable
{
    private readonly IDisposable? _subscription;
    private volatile EgressSnapshot _current;

    public EgressRuntime(IOptionsMonitor<EgressOptions> options, IOwnListeners ownListeners)
    {
        _current = new EgressSnapshot(options.CurrentValue, ownListeners);
        _subscription = options.OnChange((changed, _) => _current = new EgressSnapshot(changed, ownListeners));
    }

    public EgressSnapshot Current => _current;

    public void Dispose() => _subscription?.Dispose();
}
