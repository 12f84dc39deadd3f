using System.Globalization;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What gave way first.</summary>
/// <param name="Kind">One of <c>limit</c>, <c>descriptors</c>, <c>upstream</c>, <c>cpu</c>, <c>memory</c>, <c>load generator</c>, <c>unknown</c>.</param>
/// <param name="Because">What was seen.</param>
internal sealed record Bottleneck(string Kind, string Because)
{
    private const double Saturated = 0.85;     // of the processors: the rest goes to the system and to what else runs there
    private const double NearLimit = 0.95;
    private const double MostFailures = 0.5;   // of what failed
    private const double MostTime = 0.8;       // of what the gateway accounts for

    /// <summary>Judges the first stage that broke its targets. What says so for certain comes before what only looks like it.</summary>
    public static Bottleneck Of(CapacityStage stage)
        => OfOwnResources(stage) ?? OfFailures(stage) ?? OfOwnProcessors(stage) ?? OfGateway(stage) ?? new Bottleneck(
            "unknown",
            stage.GatewayCpu is null
                ? "latency rose; --admin URL lets this command read the gateway's metrics and say more"
                : "latency rose while processors, descriptors and limits were free: look at the network and at the destinations");

    private static Bottleneck? OfOwnResources(CapacityStage stage)
    {
        foreach (var reason in (string[])[LoadFailures.NoDescriptors, LoadFailures.NoPorts])
        {
            if (stage.Failures.ContainsKey(reason))
            {
                return new Bottleneck("load generator", reason + "; docs/operations.md says how to have more");
            }
        }

        return null;
    }

    private static Bottleneck? OfOwnProcessors(CapacityStage stage)
    {
        var processors = Environment.ProcessorCount;
        return stage.OwnCpu > processors * Saturated
            ? new Bottleneck("load generator", Text($"this command used {stage.OwnCpu:F1} of {processors} processors: make the load from another machine, or from several"))
            : null;
    }

    private static Bottleneck? OfFailures(CapacityStage stage)
    {
        var failures = stage.Failures.Values.Sum();
        var limited = Count(stage, "429") + Count(stage, "503 connection_limit_reached");
        if (failures == 0)
        {
            return null;
        }

        if (limited > failures * MostFailures)
        {
            var limit = stage.LimitRefusals.OrderByDescending(static refusal => refusal.Value).Select(static refusal => refusal.Key).FirstOrDefault();
            return new Bottleneck("limit", limit is null ? Text($"{limited} requests were refused by a limit") : Text($"{limited} requests were refused, most by {limit}"));
        }

        var upstream = Count(stage, "502") + Count(stage, "504");
        return upstream > failures * MostFailures
            ? new Bottleneck("upstream", Text($"{upstream} requests failed at their destination"))
            : null;
    }

    private static Bottleneck? OfGateway(CapacityStage stage)
    {
        if (stage.GatewayOpenFiles > stage.GatewayOpenFilesLimit * NearLimit)
        {
            return new Bottleneck("descriptors", Text($"the gateway had {stage.GatewayOpenFiles} of {stage.GatewayOpenFilesLimit} files open"));
        }

        if (stage.GatewayCpu > stage.GatewayProcessors * Saturated)
        {
            return new Bottleneck("cpu", Text($"the gateway used {stage.GatewayCpu:F1} of {stage.GatewayProcessors:F0} processors"));
        }

        if (stage.MachineCpu > NearLimit)
        {
            return new Bottleneck("cpu", Text($"this machine's processors were full: gateway {stage.GatewayCpu:F1}, this command {stage.OwnCpu:F1} of {Environment.ProcessorCount}"));
        }

        return stage.UpstreamShare > MostTime
            ? new Bottleneck("upstream", Text($"{stage.UpstreamShare:P0} of the time was spent waiting for destinations"))
            : null;
    }

    private static long Count(CapacityStage stage, string status)
        => stage.Failures.Where(failure => failure.Key.Contains(status, StringComparison.Ordinal)).Sum(static failure => failure.Value);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
