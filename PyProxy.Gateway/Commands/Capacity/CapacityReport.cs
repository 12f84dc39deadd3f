using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>The outcome of a run, as it is printed, and as JSON and HTML have it.</summary>
internal sealed record CapacityReport
{
    // Load is never even, and one gateway may be lost or restarted: the share of what held that a replica is to carry.
    private const double Headroom = 0.7;
    private const int LeastReplicas = 2;

    public required DateTimeOffset At { get; init; }

    public required string Mix { get; init; }

    public required double RequestsPerUserAndSecond { get; init; }

    public required double P99TargetMilliseconds { get; init; }

    public required double ErrorTarget { get; init; }

    /// <summary>The largest number of users with whom the targets were kept; 0 where they never were.</summary>
    public required int UsersHeld { get; init; }

    /// <summary>Whether a larger number was tried and broke a target; else <see cref="UsersHeld"/> is where the run was told to stop.</summary>
    public required bool FoundTheEnd { get; init; }

    public Bottleneck? Bottleneck { get; init; }

    /// <summary>Users per replica to plan with.</summary>
    public required int UsersPerReplica { get; init; }

    public int? WantedUsers { get; init; }

    public int? Replicas { get; init; }

    public required IReadOnlyList<CapacityStage> Stages { get; init; }

    public static CapacityReport Of(LoadPlan plan, IReadOnlyList<CapacityStage> stages, DateTimeOffset now)
    {
        var held = stages.Where(static stage => stage.Held).Select(static stage => stage.Users).DefaultIfEmpty().Max();
        var broken = stages.FirstOrDefault(static stage => !stage.Held);
        var perReplica = (int)(held * Headroom);
        return new CapacityReport
        {
            At = now,
            Mix = plan.Mix.ToString(),
            RequestsPerUserAndSecond = 1 / plan.Interval.TotalSeconds,
            P99TargetMilliseconds = plan.P99Target.TotalMilliseconds,
            ErrorTarget = plan.ErrorTarget,
            UsersHeld = held,
            FoundTheEnd = broken is not null,
            Bottleneck = broken is null ? null : Bottleneck.Of(broken),
            UsersPerReplica = perReplica,
            WantedUsers = plan.WantedUsers,
            Replicas = plan.WantedUsers is { } wanted && perReplica > 0
                ? Math.Max(LeastReplicas, (int)Math.Ceiling((double)wanted / perReplica))
                : null,
            Stages = stages,
        };
    }

    public string ToJson() => JsonSerializer.Serialize(this, CapacityJson.Default.CapacityReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CapacityReport))]
internal sealed partial class CapacityJson : JsonSerializerContext;
