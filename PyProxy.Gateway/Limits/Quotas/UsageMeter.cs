using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>Charges one exchange to its user: while it runs, as often as the ledger is written, and at its end.</summary>
internal sealed class UsageMeter(UsageLedger ledger, UserUsage user, Exchange exchange, HttpContext context, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private QuotaCounter[] _quotas = [];
    private HttpContext? _request = context;
    private long _up;
    private long _down;
    private bool _isTunnelCounted;
    private bool _isCut;

    /// <summary>Whether a quota slows the user down at its end.</summary>
    public bool HasBrakes
    {
        get
        {
            lock (_lock)
            {
                return Array.Exists(_quotas, static quota => quota.Quota.End == QuotaEnd.Slow);
            }
        }
    }

    /// <summary>
    /// The quotas that it counts against, from now on: the request itself, and every byte. Each is in use already; it is released at the exchange's end.
    /// </summary>
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

    /// <summary>Adds what slows the exchange's bytes down at the end of a quota.</summary>
    public void AddBrakes(List<BandwidthBucket> buckets, TransferDirection direction)
    {
        lock (_lock)
        {
            foreach (var quota in _quotas)
            {
                if (quota.Quota.End == QuotaEnd.Slow)
                {
                    var bucket = quota.BrakeOn(time).Of(direction);
                    quota.Brake();
                    bucket.Use();
                    buckets.Add(bucket);
                }
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
    /// <returns>The quota, the first time.</returns>
    public QuotaLimit? CutIfUsedUp()
    {
        lock (_lock)
        {
            if (_request is null || Array.Find(_quotas, static quota => quota is { Quota.End: QuotaEnd.Cut, IsUsedUp: true }) is not { } quota)
            {
                return null;
            }

            if (exchange.TunnelCut is { } tunnel)
            {
                tunnel.Cancel();
            }
            else if (!exchange.OutlivesRequest)
            {
                _request.Abort();
            }

            var isFirst = !_isCut;
            _isCut = true;
            return isFirst ? quota.Quota : null;
        }
    }

    /// <summary>The exchange has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Charge(isRefused: exchange.Verdict is Verdict.Denied or Verdict.Limited);
            _request = null; // the server uses it again
            ledger.Release(_quotas);
            _quotas = [];
        }

        ledger.Ended(this, user);
    }

    private void Charge(bool isRefused)
    {
        var (up, down) = (exchange.BytesIn, Math.Max(0, exchange.BytesOut - exchange.RefusalBytes)); // a refusal's text is not the user's to pay
        var isNewTunnel = exchange.IsTunnel && !_isTunnelCounted;
        user.Add(new Usage(Requests: 0, up - _up, down - _down, isNewTunnel ? 1 : 0, isRefused ? 1 : 0));
        for (var i = 0; i < _quotas.Length; i++)
        {
            _quotas[i] = ledger.Renew(_quotas[i]);
            if (_quotas[i].Quota.CountsBytes)
            {
                _quotas[i].Add(up - _up + down - _down);
            }
        }

        (_up, _down, _isTunnelCounted) = (up, down, exchange.IsTunnel);
    }
}
