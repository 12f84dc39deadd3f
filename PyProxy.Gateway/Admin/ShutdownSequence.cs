using Microsoft.Extensions.Options;
using PyProxy.Gateway.Telemetry;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// Keeps the deadlines while the server waits for what is under way. Kestrel knows one deadline for everything and does not say what it cut;
/// requests and tunnels have their own here, and what is cut is logged by class.
/// </summary>
internal sealed partial class ShutdownSequence(
    IHostApplicationLifetime application,
    Readiness readiness,
    DrainSignal drain,
    LiveExchanges exchanges,
    OpenConnections connections,
    IOptions<ShutdownOptions> options,
    TimeProvider time,
    ILogger<ShutdownSequence> logger) : IHostedLifecycleService, IDisposable
{
    /// <summary>What cut exchanges get to unwind in: their records are written, their connections closed.</summary>
    private static readonly TimeSpan Unwinding = TimeSpan.FromSeconds(2);

    /// <summary>Kestrel aborts what is left only after this sequence has counted it, and the access log has to be written out after that.</summary>
    private static readonly TimeSpan HostMargin = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _finished = new();
    private CancellationTokenRegistration _stopping;
    private Task _deadlines = Task.CompletedTask;

    /// <summary>How long the host waits in all: longer than every deadline here, so that it never cuts first.</summary>
    public static TimeSpan HostTimeout(ShutdownOptions options) => Longest(options) + Unwinding + HostMargin;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        // Also where no signal began it: a host that stops for another reason drains in the same way.
        _stopping = application.ApplicationStopping.Register(() =>
        {
            readiness.TurnOff("shutting down");
            drain.BeginDraining();
            drain.BeginClosing();
        });
        readiness.TurnOn();
        return Task.CompletedTask;
    }

    /// <summary>Runs before any service is stopped and is waited for, so it only starts the clocks.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _deadlines = Task.WhenAll(CutRequestsAsync(), EndTunnelsAsync(), CountConnectionsAsync());
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await _finished.CancelAsync();
        await _deadlines;
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _finished.Dispose();
    }

    private async Task CutRequestsAsync()
    {
        if (await ReachedAsync(options.Value.RequestTimeout))
        {
            LogCut("requests", exchanges.CutRequests());
        }
    }

    private async Task EndTunnelsAsync()
    {
        if (await ReachedAsync(options.Value.TunnelTimeout))
        {
            LogCut("tunnels", exchanges.CountTunnels());
            await drain.EndTunnelsAsync();
        }
    }

    private async Task CountConnectionsAsync()
    {
        if (await ReachedAsync(Longest(options.Value) + Unwinding))
        {
            LogCut("connections", connections.Count);
        }
    }

    private async Task<bool> ReachedAsync(TimeSpan deadline)
    {
        await Task.Delay(deadline, time, _finished.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !_finished.IsCancellationRequested;
    }

    private static TimeSpan Longest(ShutdownOptions options)
        => options.RequestTimeout > options.TunnelTimeout ? options.RequestTimeout : options.TunnelTimeout;

    private void LogCut(string kind, long count)
    {
        if (count > 0)
        {
            LogCutOff(count, kind);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Shutdown: {Count} {Kind} had not ended in time and were cut.")]
    private partial void LogCutOff(long count, string kind);
}
