using System.Diagnostics.CodeAnalysis;
using System.Threading.RateLimiting;

namespace PyProxy.Gateway.Limits;

/// <summary>What the plans said about one request. Rates have nothing to give back, so disposing does nothing.</summary>
internal sealed class PlanLease : RateLimitLease
{
    public static readonly PlanLease Allowed = new();

    private readonly TimeSpan _retryAfter;

    private PlanLease() => IsAcquired = true;

    public PlanLease(string limit, TimeSpan retryAfter)
    {
        Limit = limit;
        _retryAfter = retryAfter;
    }

    public override bool IsAcquired { get; }

    /// <summary>The limit that refused, as the client is told: <c>plan standard: 20/s</c>.</summary>
    public string? Limit { get; }

    public override IEnumerable<string> MetadataNames
        => Limit is null ? [] : [MetadataName.RetryAfter.Name, MetadataName.ReasonPhrase.Name];

    public override bool TryGetMetadata(string metadataName, [NotNullWhen(true)] out object? metadata)
    {
        metadata = Limit is null ? null
            : metadataName == MetadataName.RetryAfter.Name ? _retryAfter
            : metadataName == MetadataName.ReasonPhrase.Name ? Limit
            : null;
        return metadata is not null;
    }
}
