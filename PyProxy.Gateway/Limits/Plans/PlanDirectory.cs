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
        _plans = Compile(options.CurrentValue);
        _subscription = options.OnChange(Replace);
    }

    /// <summary>Raised after a reload, when the new plans are in force.</summary>
    public event EventHandler? Changed;

    public IReadOnlyCollection<Plan> All => _plans.Values;

    /// <summary>Whether any plan has a quota: most gateways have none, and do without looking for one.</summary>
    public bool HasQuotas { get; private set; }

    public Plan? Find(string name) => _plans.GetValueOrDefault(name);

    public void Dispose() => _subscription?.Dispose();

    private FrozenDictionary<string, Plan> Compile(PlansOptions options)
    {
        var plans = _compiler.Compile(options);
        HasQuotas = plans.Values.Any(static plan => plan.Quotas.Length > 0);
        return plans;
    }

    private void Replace(PlansOptions options)
    {
        lock (_compiling)
        {
            _plans = Compile(options);
        }

        Changed?.Invoke(this, EventArgs.Empty);
    }
}
