namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What was measured with one number of users.</summary>
internal sealed record CapacityStage
{
    public required int Users { get; init; }

    /// <summary>Whether the targets were kept.</summary>
    public required bool Held { get; init; }

    public required double Seconds { get; init; }

    public required long Requests { get; init; }

    public required double RequestsPerSecond { get; init; }

    /// <summary>Share of requests that failed, 0 to 1. One without an answer by the end counts in the latencies.</summary>
    public required double ErrorShare { get; init; }

    public required double P50Milliseconds { get; init; }

    public required double P90Milliseconds { get; init; }

    public required double P99Milliseconds { get; init; }

    public required double P999Milliseconds { get; init; }

    /// <summary>How late the load generator itself was, in 99 of 100 requests at most.</summary>
    public required double OwnLatenessP99Milliseconds { get; init; }

    /// <summary>Processors that the load generator kept busy.</summary>
    public double OwnCpu { get; init; }

    /// <summary>Share of this machine's processors that anything kept busy, 0 to 1; <see langword="null"/> where it is not known.</summary>
    public double? MachineCpu { get; init; }

    /// <summary>Processors that the gateway kept busy; <see langword="null"/> where its metrics were not to be had.</summary>
    public double? GatewayCpu { get; init; }

    public double? GatewayProcessors { get; init; }

    public double? GatewayMemoryBytes { get; init; }

    public double? GatewayOpenFiles { get; init; }

    public double? GatewayOpenFilesLimit { get; init; }

    /// <summary>Of the time that the gateway accounts for, the share that it waited for destinations, 0 to 1.</summary>
    public double? UpstreamShare { get; init; }

    /// <summary>Requests by kind.</summary>
    public required IReadOnlyDictionary<string, long> Kinds { get; init; }

    /// <summary>What failed, by reason.</summary>
    public required IReadOnlyDictionary<string, long> Failures { get; init; }

    /// <summary>The gateway's limits that refused, by limit.</summary>
    public required IReadOnlyDictionary<string, double> LimitRefusals { get; init; }
}
