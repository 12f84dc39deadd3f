using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http.Tries;

/// <summary>What a pipeline itself answers.</summary>
internal static class TriesErrors
{
    private const string Pipelines = $"{ResilienceOptions.SectionPath}:{nameof(ResilienceOptions.Pipelines)}";

    public static ProxyError CircuitOpen { get; } = ProxyErrors.DestinationUnavailable(
        "The destination has failed too often and is left alone for a while.") with
    { RetryAfter = TimeSpan.FromSeconds(1) };

    public static ProxyError NoPlace(string pipeline) => new(
        StatusCodes.Status503ServiceUnavailable, "connection_limit_reached", Fault.Gateway, "As many requests as allowed are under way to this destination.")
    {
        DecidedBy = pipeline,
        Setting = $"{Pipelines}:{pipeline}:{nameof(PipelineOptions.Bulkhead)}",
        RetryAfter = TimeSpan.FromSeconds(1),
    };

    public static ProxyError OutOfTime(string pipeline) => ProxyErrors.ResponseTimeout("No destination answered within the time allowed.") with
    {
        DecidedBy = pipeline,
        Setting = $"{Pipelines}:{pipeline}:{nameof(PipelineOptions.Timeout)}",
    };
}
