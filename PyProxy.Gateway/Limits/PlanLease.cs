using System.Diagnostics.CodeAnalysis;
using System.Threading.RateLimiting;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// What one request was given: disposing it gives back what is held, once. Leases that allow are reused, because there is one per request;
/// whoever disposes one may not touch it again.
/// </summary>
internal sealed class PlanLease : RateLimitLease
{
    /// <summary>For what no limit applies to.</summary>
    public static readonly PlanLease Free = new(owner: null, refusal: null) { _state = Ended };

    /// <summary>The answer to a question that takes waiting: the framework's middleware asks again, willing to wait.</summary>
    public static readonly PlanLease NotYet = new(owner: null, ProxyErrors.Internal);

    private const int Idle = 0;
    private const int Running = 1;
    private const int Ended = 2;

    private readonly PlanRateLimiter? _owner;
    private int _state;

    private PlanLease(PlanRateLimiter? owner, ProxyError? refusal)
    {
        _owner = owner;
        Refusal = refusal;
    }

    public PlanLease(PlanRateLimiter owner)
        : this(owner, refusal: null)
    {
    }

    public override bool IsAcquired => Refusal is null;

    public LimitAttempt Attempt { get; } = new();

    /// <summary>What holds the exchange's bytes back.</summary>
    public ExchangeTransfers? Transfers { get; set; }

    /// <summary>Why the request is refused.</summary>
    public ProxyError? Refusal { get; }

    public override IEnumerable<string> MetadataNames
        => Refusal is null ? [] : [MetadataName.RetryAfter.Name, MetadataName.ReasonPhrase.Name];

    public static PlanLease Refused(ProxyError refusal) => new(owner: null, refusal);

    /// <summary>Begins to be valid for one request.</summary>
    public void Begin() => Volatile.Write(ref _state, Running);

    public override bool TryGetMetadata(string metadataName, [NotNullWhen(true)] out object? metadata)
    {
        metadata = metadataName == MetadataName.RetryAfter.Name ? Refusal?.RetryAfter
            : metadataName == MetadataName.ReasonPhrase.Name ? Refusal?.DecidedBy
            : null;
        return metadata is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.CompareExchange(ref _state, Idle, Running) == Running)
        {
            _owner?.End(this);
        }

        base.Dispose(disposing);
    }
}
