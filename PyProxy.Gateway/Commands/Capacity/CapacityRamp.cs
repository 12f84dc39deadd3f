using System.Diagnostics;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>
/// Doubles the number of users until a target breaks or there are as many as were asked for, then looks between the last number that held and
/// the first that did not.
/// </summary>
/// <param name="plan">What is asked.</param>
/// <param name="probe">What the gateway says of itself.</param>
/// <param name="time">Clock of the stages.</param>
/// <param name="began">Told of the number of users whose stage begins.</param>
/// <param name="ended">Told of each stage as it ends.</param>
internal sealed class CapacityRamp(LoadPlan plan, GatewayProbe probe, TimeProvider time, Action<int> began, Action<CapacityStage> ended)
{
    private const double Precision = 0.1; // of the number that held
    private const double SettleShare = 0.25;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var population = new LoadPopulation(plan);

        // 1. A process that has just started compiles its code first.
        await population.SetAsync(plan.StartUsers);
        await Task.Delay(plan.Stage, time, cancellationToken);

        // 2. Up, by doubling
        var (held, broken) = (0, 0);
        for (var users = plan.StartUsers; broken == 0; users = Math.Min(users * 2, plan.MaxUsers))
        {
            if (await MeasureAsync(users))
            {
                held = users;
                if (users == plan.MaxUsers)
                {
                    return;
                }
            }
            else
            {
                broken = users;
            }
        }

        // 3. Between what held and what did not
        while (broken - held > Math.Max(1, held * Precision))
        {
            var users = held + ((broken - held) / 2);
            if (await MeasureAsync(users))
            {
                held = users;
            }
            else
            {
                broken = users;
            }
        }

        async Task<bool> MeasureAsync(int users)
        {
            began(users);
            var stage = await RunStageAsync(population, users, cancellationToken);
            ended(stage);
            return stage.Held;
        }
    }

    private async Task<CapacityStage> RunStageAsync(LoadPopulation population, int users, CancellationToken cancellationToken)
    {
        // 1. Newcomers connect and log in; that is no part of the measurement.
        await population.SetAsync(users);
        await Task.Delay(Longer(plan.Stage * SettleShare, plan.Interval), time, cancellationToken);

        // 2. Measure.
        var before = await probe.ReadAsync(cancellationToken);
        var machine = MachineCpu.Read();
        var (cpu, started) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        population.BeginMeasurement();
        await Task.Delay(plan.Stage, time, cancellationToken);
        var recorder = population.EndMeasurement();
        var elapsed = Stopwatch.GetElapsedTime(started);
        var ownCpu = (Environment.CpuUsage.TotalTime - cpu) / elapsed;
        var machineCpu = MachineCpu.Read()?.ShareSince(machine);
        var after = await probe.ReadAsync(cancellationToken);
        population.ThrowIfBroken();

        // 3. Judge.
        return Judge(users, recorder, elapsed, before, after) with { OwnCpu = ownCpu, MachineCpu = machineCpu };
    }

    private CapacityStage Judge(int users, LoadRecorder recorder, TimeSpan elapsed, GatewayVitals? before, GatewayVitals? after)
    {
        var requests = recorder.Succeeded + recorder.Failed + recorder.Pending;
        var stale = recorder.LatencyAt(99) > plan.P99Target;
        var errorShare = requests == 0 ? 1 : (double)recorder.Failed / requests;
        var upstream = after?.UpstreamSeconds - before?.UpstreamSeconds;
        var both = upstream + (after?.GatewaySeconds - before?.GatewaySeconds);
        return new CapacityStage
        {
            Users = users,
            Held = recorder.Succeeded > 0 && !stale && errorShare <= plan.ErrorTarget,
            Seconds = elapsed.TotalSeconds,
            Requests = requests,
            RequestsPerSecond = recorder.Succeeded / elapsed.TotalSeconds,
            ErrorShare = errorShare,
            P50Milliseconds = recorder.LatencyAt(50).TotalMilliseconds,
            P90Milliseconds = recorder.LatencyAt(90).TotalMilliseconds,
            P99Milliseconds = recorder.LatencyAt(99).TotalMilliseconds,
            P999Milliseconds = recorder.LatencyAt(99.9).TotalMilliseconds,
            OwnLatenessP99Milliseconds = recorder.LatenessAt(99).TotalMilliseconds,
            GatewayCpu = (after?.CpuSeconds - before?.CpuSeconds) / elapsed.TotalSeconds,
            GatewayProcessors = after?.Processors,
            GatewayMemoryBytes = after?.MemoryBytes,
            GatewayOpenFiles = after?.OpenFiles,
            GatewayOpenFilesLimit = after?.OpenFilesLimit,
            UpstreamShare = both > 0 ? upstream / both : null, // the gateway may have recorded nothing yet
            Kinds = plan.Mix.Kinds.ToDictionary(static kind => kind.ToString().ToLowerInvariant(), recorder.CountOf, StringComparer.Ordinal),
            Failures = recorder.Failures.ToDictionary(),
            LimitRefusals = RefusalsBetween(before, after),
        };
    }

    private static Dictionary<string, double> RefusalsBetween(GatewayVitals? before, GatewayVitals? after)
        => after is null
            ? []
            : after.Refusals
                .Select(refusal => (refusal.Key, Count: refusal.Value - (before?.Refusals.GetValueOrDefault(refusal.Key) ?? 0)))
                .Where(static refusal => refusal.Count > 0)
                .ToDictionary(static refusal => refusal.Key, static refusal => refusal.Count, StringComparer.Ordinal);

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
