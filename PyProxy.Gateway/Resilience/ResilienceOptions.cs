using System.ComponentModel;

namespace PyProxy.Gateway.Resilience;

/// <summary>The section <c>Gateway:Resilience</c>.</summary>
internal sealed class ResilienceOptions
{
    public const string SectionPath = "Gateway:Resilience";

    [Description("Settings of the built-in pipelines by name. \"connect\": every connection that the gateway opens to a destination. "
        + "What is not set here has its default.")]
    public Dictionary<string, PipelineOptions> Pipelines { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The settings of a pipeline, or the defaults where the configuration says nothing.</summary>
    public PipelineOptions Pipeline(string name) => Pipelines.GetValueOrDefault(name) ?? new PipelineOptions();
}

/// <summary>One pipeline: a timeout per try inside a retry with exponential, jittered delays.</summary>
internal sealed class PipelineOptions
{
    [Description("How long one try may take. 00:00:00.010 to 00:10:00, default 00:00:05.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    [Description("How many tries may follow the first one. 0 (never retry) to 10, default 1.")]
    public int MaxRetries { get; init; } = 1;

    [Description("Delay before the first retry; each further one doubles it, and jitter spreads it so that many clients do not return in step. "
        + "00:00:00 to 00:01:00, default 00:00:00.100.")]
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(100);

    [Description("Upper bound of the delay between two tries. At least Delay, at most 00:05:00, default 00:00:02.")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(2);
}
