using System.ComponentModel;

namespace PyProxy.Gateway.Resilience;

/// <summary>The section <c>Gateway:Resilience</c>.</summary>
internal sealed class ResilienceOptions
{
    public const string SectionPath = "Gateway:Resilience";

    [Description("Around every connection that the gateway opens to a destination.")]
    public ConnectOptions Connect { get; init; } = new();

    [Description("Pipelines by name, for the requests of clusters (\"Metadata\": { \"Resilience\": \"name\" }) and of the forward role "
        + "(Gateway:Forward:Resilience). Each cluster has a budget, places and breakers of its own. Default: none.")]
    public IReadOnlyDictionary<string, PipelineOptions> Pipelines { get; init; }
        = new Dictionary<string, PipelineOptions>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>The pipeline of connecting: a timeout per try inside a retry with exponential, jittered delays.</summary>
internal sealed class ConnectOptions
{
    [Description("How long one try to resolve and connect may take. 00:00:00.010 to 00:10:00, default 00:00:05.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    [Description("How many tries may follow the first one. 0 (never retry) to 10, default 1.")]
    public int MaxRetries { get; init; } = 1;

    [Description("Delay before the first retry; each further one doubles it, and jitter spreads it so that many clients do not return in step. "
        + "00:00:00 to 00:01:00, default 00:00:00.100.")]
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(100);

    [Description("Upper bound of the delay between two tries. At least Delay, at most 00:05:00, default 00:00:02.")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(2);
}
