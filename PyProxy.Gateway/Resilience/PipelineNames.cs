namespace PyProxy.Gateway.Resilience;

/// <summary>The names under which Polly's registry knows pipelines that are asked for by code.</summary>
internal static class PipelineNames
{
    /// <summary>Around resolving, vetting and dialing one destination.</summary>
    public const string Connect = "connect";
}
