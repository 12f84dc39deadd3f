using System.Collections.Concurrent;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>The exchanges that are under way. What must be ended at shutdown is found here.</summary>
internal sealed class LiveExchanges
{
    // Without a context: a tunnel that has outlived its request.
    private readonly ConcurrentDictionary<ExchangeMeasure, HttpContext?> _live = new();

    public void Add(ExchangeMeasure measure, HttpContext context) => _live[measure] = context;

    public void ForgetContext(ExchangeMeasure measure) => _live[measure] = null;

    public void Remove(ExchangeMeasure measure) => _live.TryRemove(measure, out _);

    public (int Requests, int Tunnels) Count()
    {
        var tunnels = CountTunnels();
        return (_live.Count - tunnels, tunnels);
    }

    /// <summary>Those that are under way at this moment, without a common one: the list is walked while exchanges come and go.</summary>
    public IEnumerable<ExchangeMeasure> List()
    {
        foreach (var (measure, _) in _live)
        {
            yield return measure;
        }
    }

    /// <summary>Cuts one exchange, tunnel or not; false where it has ended by itself.</summary>
    public async ValueTask<bool> TryCutAsync(ExchangeMeasure measure)
    {
        if (!_live.TryGetValue(measure, out var context))
        {
            return false;
        }

        // Over HTTP/1.1 a tunnel's connection is no longer the server's, and aborting the request would not reach it.
        if (measure.Exchange.TunnelCut is { } tunnel)
        {
            await tunnel.CancelAsync();
            return true;
        }

        return context is not null && measure.TryCut(context);
    }

    public int CountTunnels()
    {
        var count = 0;
        foreach (var (measure, _) in _live)
        {
            count += measure.IsTunnel ? 1 : 0;
        }

        return count;
    }

    /// <summary>Exchanges that are not tunnels, by the number of their role.</summary>
    public int[] CountRequestsByRole()
    {
        var counts = new int[Enum.GetValues<ListenerRole>().Length];
        foreach (var (measure, _) in _live)
        {
            counts[(int)measure.Exchange.Role] += measure.IsTunnel ? 0 : 1;
        }

        return counts;
    }

    /// <summary>Counts what open tunnels have moved since the last time: one may run for days, and what is only counted at its end says nothing of now.</summary>
    public void ChargeTunnels()
    {
        foreach (var (measure, _) in _live)
        {
            measure.ChargeTunnel();
        }
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
