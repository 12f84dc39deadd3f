using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>The plans in force, by name. Swapped whole by a reload.</summary>
internal sealed class PlanDirectory : IDisposable
{
    private readonly PlanCompiler _compiler = new();
    private readonly Lock _compiling = new();
    private readonly IDisposable? _subscription;
    private volatile FrozenDictionary<string, Plan> _plans;

    public PlanDirectory(IOptionsMonitor<PlansOptions> options)
    {
        _plans = _compiler.Compile(options.CurrentValue);
        _subscription = options.OnChange(Replace);
    }

    /// <summary>Raised after a reload, when the new plans are in force.</summary>
    public event EventHandler? Changed;

    public IReadOnlyCollection<Plan> All => _plans.Values;

    public Plan? Find(string name) => _plans.GetValueOrDefault(name);

    public void Dispose() => _subscription?.Dispose();

    private void Replace(PlansOptions options)
    {
        lock (_compiling)
        {
            _plans = _compiler.Compile(options);
        }

        Changed?.Invoke(this, EventArgs.Empty);
    }
}
