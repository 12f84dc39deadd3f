using Microsoft.Extensions.Options;
using PyProxy.Gateway.Egress.Profiles;

namespace PyProxy.Gateway.Egress;

/// <summary>Holds the section's compiled form and replaces it when the configuration changes.</summary>
internal sealed class EgressRuntime : IDisposable
{
    private readonly IDisposable? _subscription;
    private readonly IOwnListeners _ownListeners;
    private readonly ProfileCompiler _profiles;
    private readonly Lock _compiling = new();
    private volatile EgressSnapshot _current;

    public EgressRuntime(IOptionsMonitor<EgressOptions> options, IOwnListeners ownListeners, ProfileCompiler profiles)
    {
        _ownListeners = ownListeners;
        _profiles = profiles;
        _current = Compile(options.CurrentValue, null);
        _subscription = options.OnChange((changed, _) => Replace(changed));
    }

    /// <summary>Raised after a reload, when the new settings are in force.</summary>
    public event EventHandler? Changed;

    public EgressSnapshot Current => _current;

    public void Dispose() => _subscription?.Dispose();

    private void Replace(EgressOptions options)
    {
        lock (_compiling)
        {
            _current = Compile(options, _current);
        }

        Changed?.Invoke(this, EventArgs.Empty);
    }

    private EgressSnapshot Compile(EgressOptions options, EgressSnapshot? previous)
        => new(options, _ownListeners, ProfileCompiler.CompileDirect(options, previous?.Direct), _profiles.Compile(options, previous?.Profiles));
}
