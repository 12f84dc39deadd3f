using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>Charges one exchange to its user: while it runs, as often as the ledger is written, and at its end.</summary>
internal sealed class UsageMeter(UsageLedger ledger, UserUsage user, Exchange exchange, HttpContext context) : IDisposable
{
    private readonly Lock _lock = new();
    private QuotaCounter[] _quotas = [];
    private HttpContext? _request = context;
    private long _up;
    private long _down;
    private bool _isTunnelCounted;
    private bool _isCut;

    /// <summary>The quotas that it counts against, from now on: the request itself, and every byte.</summary>
    public void CountAgainst(QuotaCounter[] quotas)
    {
        lock (_lock)
        {
            _quotas = quotas;
            foreach (var quota in quotas)
            {
                quota.Add(quota.Quota.CountsBytes ? 0 : 1);
            }
        }
    }

    /// <summary>Charges what has moved since the last time.</summary>
    public void Charge()
    {
        lock (_lock)
        {
            Charge(isRefused: false);
        }
    }

    /// <summary>Cuts the exchange if a quota says so and is used up.</summary>
    public bool CutIfUsedUp()
    {
        lock (_lock)
        {
            if (_request is null || Array.Find(_quotas, static quota => quota is { Quota.End: QuotaEnd.Cut, IsUsedUp: true }) is not { } usedUp)
            {
                return false;
            }

            if (!_isCut)
            {
                _isCut = true; // asked again until it has ended
                ledger.WasCut(usedUp);
            }


            if (exchange.TunnelCut is { } tunnel)
            {
                tunnel.Cancel();
            }
            else if (!exchange.OutlivesRequest)
            {
                _request.Abort();
            }

            return true;
        }
    }

    /// <summary>The exchange has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Charge(isRefused: exchange.Verdict is Verdict.Denied or Verdict.Limited);
            _request = null; // the server uses it again
        }

        ledger.Ended(this);
    }

    private void Charge(bool isRefused)
    {
        var (up, down) = (exchange.BytesIn, exchange.BytesOut);
        var isNewTunnel = exchange.IsTunnel && !_isTunnelCounted;
        user.Add(new Usage(Requests: 0, up - _up, down - _down, isNewTunnel ? 1 : 0, isRefused ? 1 : 0));
        for (var i = 0; i < _quotas.Length; i++)
        {
            _quotas[i] = ledger.Current(_quotas[i], user.Name);
            if (_quotas[i].Quota.CountsBytes)
            {
                _quotas[i].Add(up - _up + down - _down);
            }
        }

        (_up, _down, _isTunnelCounted) = (up, down, exchange.IsTunnel);
    }
}

/// <summary>What a user has used that has not been written yet.</summary>
internal sealed class UserUsage(string name)
{
    private readonly Lock _lock = new();
    private Usage _pending;

    public string Name { get; } = name;

    public Usage Pending
    {
        get
        {
            lock (_lock)
            {
                return _pending;
            }
        }
    }

    public void Add(in Usage usage)
    {
        lock (_lock)
        {
            _pending += usage;
        }
    }

    public Usage Take()
    {
        lock (_lock)
        {
            var usage = _pending;
            _pending = default;
            return usage;
        }
    }
}
