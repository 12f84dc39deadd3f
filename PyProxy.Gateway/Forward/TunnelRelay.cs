using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>Relays the bytes of a tunnel between its ends until both directions have ended, or one of the tunnel's limits ends them.</summary>
internal sealed partial class TunnelRelay(
    IOptionsMonitor<TunnelOptions> options, IDrainSignal drain, TimeProvider time, ILogger<TunnelRelay> logger)
{
    /// <param name="client">The client's end.</param>
    /// <param name="destination">The destination's end.</param>
    /// <param name="exchange">Counts the bytes and learns what ended the tunnel.</param>
    /// <param name="clientGone">Cancelled when the client's end is known to be dead although nothing is being read from it.</param>
    /// <returns>What ended the tunnel; both directions have ended then. Failures of either end are a way to end and are not thrown.</returns>
    public async Task<TunnelEnd> RunAsync(ITunnelLeg client, ITunnelLeg destination, Exchange exchange, CancellationToken clientGone)
    {
        var settings = options.CurrentValue;
        using var tunnel = new Tunnel(client, destination, exchange, time, settings);
        var cut = exchange.TunnelCut = new CancellationTokenSource(); // not disposed: it holds no timer, and others may still have it in hand
        TunnelEnd end;

        // The timer and the registrations are gone, their callbacks included, before the tunnel's ends are anybody else's again.
        await using (tunnel.StartTimer())
        await using (drain.TunnelDeadline.UnsafeRegister(static state => ((Tunnel)state!).Cut(TunnelEnd.Drained), tunnel))
        await using (cut.Token.UnsafeRegister(static state => ((Tunnel)state!).Cut(TunnelEnd.Cut), tunnel))
        await using (clientGone.UnsafeRegister(static state => ((Tunnel)state!).Cut(TunnelEnd.ClientReset), tunnel))
        {
            end = await tunnel.RunAsync();
        }

        exchange.DecidedBy = end switch
        {
            TunnelEnd.Idle => TunnelOptions.IdleTimeoutSetting,
            TunnelEnd.Lifetime => TunnelOptions.LifetimeSetting,
            TunnelEnd.Drained => "Gateway:Shutdown:TunnelTimeout",
            TunnelEnd.Cut => "admin",
            _ => exchange.DecidedBy,
        };
        LogEnded(exchange.Id, end);
        return end;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Exchange {Exchange}: the tunnel has ended: {End}.")]
    private partial void LogEnded(string exchange, TunnelEnd end);
}
