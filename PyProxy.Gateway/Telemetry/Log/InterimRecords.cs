using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>Records how open tunnels stand, each at its own intervals since it was opened, where the configuration asks for it.</summary>
internal sealed class InterimRecords(IOptionsMonitor<TelemetryOptions> options, LiveExchanges live, AccessLog log, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (options.CurrentValue.AccessLog.TunnelInterval is { Ticks: > 0 } interval)
            {
                Write(interval);
            }
        }
    }

    private void Write(TimeSpan interval)
    {
        foreach (var measure in live.List())
        {
            if (measure.IsTunnel && measure.IsIntervalOver(interval))
            {
                log.WriteInterim(measure.Exchange, measure.SoFar());
            }
        }
    }
}
