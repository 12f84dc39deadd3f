using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Listeners.ProxyProtocol;

/// <summary>
/// Reads the PROXY protocol header in front of everything else (TLS included) and makes the addresses that it conveys the connection's own:
/// Kestrel takes <c>HttpContext.Connection.RemoteIpAddress</c> from <see cref="BaseConnectionContext.RemoteEndPoint"/>.
/// </summary>
internal sealed class ProxyProtocolConnectionMiddleware(
    ConnectionDelegate next,
    ProxyProtocolMode mode,
    TrustedProxies trustedProxies,
    IOptionsMonitor<ListenerOptions> options,
    ListenerMetrics metrics,
    TimeProvider timeProvider,
    ILogger<ProxyProtocolConnectionMiddleware> logger)
{
    private enum Outcome
    {
        Continue,
        ClientLeft,
        Rejected,
    }

    public Task OnConnectionAsync(ConnectionContext context)
    {
        if (mode == ProxyProtocolMode.Off)
        {
            return next(context);
        }

        if (trustedProxies.Contains(context.RemoteEndPoint))
        {
            return ReadThenContinueAsync(context);
        }

        // A stranger who could convey addresses could be anyone. Where the header is optional, what he sends is data: Kestrel refuses it.
        if (mode == ProxyProtocolMode.Optional)
        {
            return next(context);
        }

        Reject(context, RejectionReason.UntrustedSender);
        return Task.CompletedTask;
    }

    private async Task ReadThenContinueAsync(ConnectionContext context)
    {
        if (await ReadHeaderAsync(context) == Outcome.Continue)
        {
            await next(context);
        }
    }

    private async ValueTask<Outcome> ReadHeaderAsync(ConnectionContext context)
    {
        var input = context.Transport.Input;
        var examined = 0L;
        using var deadline = new CancellationTokenSource(options.CurrentValue.ProxyProtocolTimeout, timeProvider);
        try
        {
            while (true)
            {
                // 1. Look at everything received so far.
                var result = await input.ReadAsync(deadline.Token);
                var buffer = result.Buffer;
                var status = ProxyProtocolParser.Parse(buffer, out var header, out var length);

                // 2. Wait for more, or end with a connection that ended.
                if (status == ProxyProtocolParseStatus.Incomplete && !result.IsCompleted && !result.IsCanceled)
                {
                    examined = buffer.Length;
                    input.AdvanceTo(buffer.Start, buffer.End);
                    continue;
                }

                // 3. Take the header, and nothing but the header, off the input. What was examined before stays examined, a pipe insists
                // on it;    the byte that ruled a header out lies behind it, so the next read returns at once.
                var consumed = buffer.GetPosition(length);
                input.AdvanceTo(consumed, buffer.GetPosition(Math.Max(length, examined)));
                return status switch
                {
                    ProxyProtocolParseStatus.Complete => Convey(context, header),
                    ProxyProtocolParseStatus.Incomplete when buffer.IsEmpty => Outcome.ClientLeft, // a load balancer's TCP health check
                    ProxyProtocolParseStatus.NoHeader or ProxyProtocolParseStatus.Incomplete when mode == ProxyProtocolMode.Optional
                        => Outcome.Continue,
                    ProxyProtocolParseStatus.Oversized => Reject(context, RejectionReason.Oversized),
                    _ => Reject(context, RejectionReason.Malformed),
                };
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // A browser opens connections ahead of need and stays silent: without a byte there is no slow header, and Kestrel's own
            // timeouts are the right ones.
            return mode == ProxyProtocolMode.Optional && examined == 0 ? Outcome.Continue : Reject(context, RejectionReason.Timeout);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            ProxyProtocolLog.ClientLeft(logger, context.RemoteEndPoint, e);
            return Outcome.ClientLeft;
        }
    }

    private Outcome Convey(ConnectionContext context, ProxyProtocolHeader header)
    {
        if (header is { Source: { } source, Destination: { } destination })
        {
            ProxyProtocolLog.AddressConveyed(logger, context.RemoteEndPoint, source);
            context.RemoteEndPoint = source;
            context.LocalEndPoint = destination;
        }

        return Outcome.Continue;
    }

    private Outcome Reject(ConnectionContext context, string reason)
    {
        metrics.ConnectionRejected(ListenerMetrics.ProxyProtocolAdapter, reason);
        ProxyProtocolLog.Rejected(logger, context.RemoteEndPoint, reason);
        context.Abort(new ConnectionAbortedException($"PROXY protocol: {reason}."));
        return Outcome.Rejected;
    }
}

internal static partial class ProxyProtocolLog
{
    [LoggerMessage(1, LogLevel.Information, "Closed a connection from {Client} on an endpoint with PROXY protocol: {Reason}. Senders are "
        + "trusted in Gateway:Listeners:TrustedProxies.", EventName = "ProxyProtocolRejected")]
    public static partial void Rejected(ILogger logger, EndPoint? client, string reason);

    [LoggerMessage(2, LogLevel.Debug, "{Sender} conveys the client address {Client}.", EventName = "ProxyProtocolAddressConveyed")]
    public static partial void AddressConveyed(ILogger logger, EndPoint? sender, EndPoint client);

    [LoggerMessage(3, LogLevel.Debug, "{Client} left before its PROXY protocol header was complete.",
        EventName = "ProxyProtocolClientLeft")]
    public static partial void ClientLeft(ILogger logger, EndPoint? client, Exception exception);
}
