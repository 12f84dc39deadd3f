using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>Relays the bytes of a tunnel between its ends until both directions have ended, or one of the tunnel's limits ends them.</summary>
internal sealed partial class TunnelRelay(
    IOptionsMonitor<TunnelOptions> options, IDrainSignal drain, TimeProvider time, ILogger<TunnelRelay> logger)
{
    /// <summary>Runs a tunnel to its end, closes both of its ends and, where it has outlived its request, ends the exchange.</summary>
    /// <param name="client">The client's end.</param>
    /// <param name="destination">The destination's end.</param>
    /// <param name="exchange">Counts the bytes and learns what ended the tunnel.</param>
    /// <param name="clientGone">Cancelled when the client's end is known to be dead although nothing is being read from it.</param>
    /// <returns>What ended the tunnel; both directions have ended then. Failures of either end are a way to end and are not thrown.</returns>
    public async Task<TunnelEnd> RunAsync(ITunnelLeg client, ITunnelLeg destination, Exchange exchange, CancellationToken clientGone)
    {
        // One method, although it is long: every further one that waits costs an idle tunnel a hundred bytes and more.
        try
        {
            TunnelEnd end;
            await using (destination)
            await using (client)
            {
                using var tunnel = new Tunnel(client, destination, exchange, time, options.CurrentValue);
                var cut = exchange.TunnelCut = new CancellationTokenSource(); // not disposed: it holds no timer, and others may still have it in hand

                // The timer and the registrations are gone, their callbacks included, before the tunnel's ends are closed.
                await using (tunnel.StartTimer())
                await using (drain.TunnelDeadline.UnsafeRegister(static state => ((Tunnel)state!).Cut(TunnelEnd.Drained), tunnel))
                await using (cut.Token.UnsafeRegister(static state => ((Tunnel)state!).Cut(TunnelEnd.Cut), tunnel))
                await using (clientGone.UnsafeRegister(static state => ((Tunnel)state!).ClientGone(), tunnel))
                {
                    await tunnel.RunAsync();
                }

                end = tunnel.End;
            }

            exchange.DecidedBy = DecidedBy(end) ?? exchange.DecidedBy;
            LogEnded(exchange.Id, end);
            return end;
        }
        finally
        {
            if (exchange.OutlivesRequest)
            {
                exchange.End();
            }
        }
    }

    private static string? DecidedBy(TunnelEnd end) => end switch
    {
        TunnelEnd.Idle => TunnelOptions.IdleTimeoutSetting,
        TunnelEnd.Lifetime => TunnelOptions.LifetimeSetting,
        TunnelEnd.Drained => "Gateway:Shutdown:TunnelTimeout",
        TunnelEnd.Cut => "admin",
        _ => null,
    };

    [LoggerMessage(Level = LogLevel.Debug, Message = "Exchange {Exchange}: the tunnel has ended: {End}.")]
    private partial void LogEnded(string exchange, TunnelEnd end);
}
