using System.Collections.Concurrent;

namespace PyProxy.Gateway.Telemetry;

/// <summary>The exchanges that are under way. What must be ended at shutdown is found here.</summary>
internal sealed class LiveExchanges
{
    // Without a context: a tunnel that has outlived its request.
    private readonly ConcurrentDictionary<ExchangeMeasure, HttpContext?> _live = new();

    public void Add(ExchangeMeasure measure, HttpContext context) => _live[measure] = context;

    public void ForgetContext(ExchangeMeasure measure) => _live[measure] = null;

    public void Remove(ExchangeMeasure measure) => _live.TryRemove(measure, out _);

    public int CountTunnels()
    {
        var count = 0;
        foreach (var (measure, _) in _live)
        {
            count += measure.IsTunnel ? 1 : 0;
        }

        return count;
    }

    /// <summary>Cuts the exchanges that are not tunnels; returns how many that were.</summary>
    public int CutRequests()
    {
        var count = 0;
        foreach (var (measure, context) in _live)
        {
            count += !measure.IsTunnel && context is not null && measure.TryCut(context) ? 1 : 0;
        }

        return count;
    }
}
