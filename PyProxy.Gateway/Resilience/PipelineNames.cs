namespace PyProxy.Gateway.Resilience;

/// <summary>The names under which pipelines are asked for and configured.</summary>
internal static class PipelineNames
{
    /// <summary>Around resolving, vetting and dialing one destination.</summary>
    public const string Connect = "connect";

    public static IReadOnlyList<string> All { get; } = [Connect];

    public static bool IsKnown(string name) => All.Contains(name, StringComparer.OrdinalIgnoreCase);
}
