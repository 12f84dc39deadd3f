using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>Checks the upstream proxies beside the traffic, and says of pools with some of them out that the gateway is degraded.</summary>
internal sealed class UpstreamChecks(
    EgressRuntime runtime, UpstreamDialer dialer, UpstreamMetrics metrics, TimeProvider time, ILogger<UpstreamChecks> logger, IHealthSignal? health = null)
    : BackgroundService
{
    // A check may wait for its whole timeout, so a pool of hundreds is not checked one by one, nor all at once.
    private const int AtOnce = 32;

    // Passive ejections end by themselves and nobody else looks.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _degraded = new(StringComparer.OrdinalIgnoreCase);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Dictionary<UpstreamPool, (CancellationTokenSource Stop, Task Checks)> running = [];
        var reloaded = NewSignal();
        void OnChanged(object? sender, EventArgs e) => Volatile.Read(ref reloaded).TrySetResult();
        runtime.Changed += OnChanged;
        try
        {
            while (true)
            {
                // 1. What changes from here on is seen by the next round
                var changed = NewSignal();
                Volatile.Write(ref reloaded, changed);

                // 2. Every pool that there is has its checks, and no other
                var pools = runtime.Current.Profiles.Values.Where(static profile => profile.Upstreams is not null).ToList();
                foreach (var (pool, (stop, checks)) in running.Where(r => pools.TrueForAll(p => p.Upstreams != r.Key)).ToList())
                {
                    await EndAsync(stop, checks);
                    running.Remove(pool);
                }

                foreach (var profile in pools.Where(p => !running.ContainsKey(p.Upstreams!) && p.Upstreams!.Options.HealthCheck.Interval > TimeSpan.Zero))
                {
                    var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                    running.Add(profile.Upstreams!, (stop, CheckAlwaysAsync(profile, profile.Upstreams!, stop.Token)));
                }

                // 3. What operators are told
                Report(pools);
                await Task.WhenAny(changed.Task, Task.Delay(pools.Count == 0 ? Timeout.InfiniteTimeSpan : Look, time, stoppingToken));
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends.
        }
        finally
        {
            runtime.Changed -= OnChanged;
            foreach (var (stop, checks) in running.Values)
            {
                await EndAsync(stop, checks);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task EndAsync(CancellationTokenSource stop, Task checks)
    {
        await stop.CancelAsync();
        await checks;
        stop.Dispose();
    }

    private async Task CheckAlwaysAsync(EgressProfile profile, UpstreamPool pool, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await Parallel.ForEachAsync(pool.Proxies, parallel, (proxy, token) => CheckAsync(profile, pool, proxy, token));

                // Jitter, so that many gateways do not check in step.
                await Task.Delay(pool.Options.HealthCheck.Interval * (0.9 + (0.2 * Random.Shared.NextDouble())), time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                UpstreamLog.CheckBroke(logger, pool.Profile, e);
                await Task.Delay(pool.Options.HealthCheck.Interval, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async ValueTask CheckAsync(EgressProfile profile, UpstreamPool pool, UpstreamProxy proxy, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(pool.Options.HealthCheck.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        string failure;
        try
        {
            await dialer.CheckAsync(pool, proxy, new EgressChoice(profile, profile.Sources.Peek("", "")), either.Token);
            if (proxy.Health.CheckSucceeded())
            {
                UpstreamLog.Back(logger, proxy.Name, pool.Profile);
            }

            return;
        }
        catch (UpstreamUnusableException e)
        {
            failure = e.Error.Detail;
        }
        catch (ProxyException e)
        {
            failure = e.Error.Detail;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            failure = UpstreamFailure.TooSlow(proxy).Detail;
        }

        if (proxy.Health.CheckFailed(failure, pool.Options))
        {
            UpstreamLog.CheckedOut(logger, proxy.Name, pool.Profile, failure);
            metrics.Ejected(pool, proxy, UpstreamEvidence.Check);
        }
    }

    private void Report(List<EgressProfile> pools)
    {
        foreach (var gone in _degraded.Where(name => pools.TrueForAll(p => !p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))).ToList())
        {
            Restore(gone);
        }

        foreach (var profile in pools)
        {
            var proxies = profile.Upstreams!.Proxies;
            var outNow = proxies.Where(static p => !p.Health.IsIn).Select(static p => p.Name).ToList();
            if (outNow.Count == 0)
            {
                Restore(profile.Name);
            }
            else
            {
                _degraded.Add(profile.Name);
                health?.Degrade(PartOf(profile.Name), $"{outNow.Count} of {proxies.Count} upstream proxies are out: {string.Join(", ", outNow.Take(10))}.");
            }
        }
    }

    private void Restore(string profile)
    {
        if (_degraded.Remove(profile))
        {
            health?.Restore(PartOf(profile));
        }
    }

    private static string PartOf(string profile) => $"egress profile {profile}";
}
