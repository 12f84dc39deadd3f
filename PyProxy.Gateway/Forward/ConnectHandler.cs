using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>
/// Opens tunnels: HTTP/1.1 and HTTP/2 CONNECT, and SOCKS5. One over HTTP/2 lives inside its request; the others outlive theirs.
/// </summary>
internal sealed class ConnectHandler(
    EgressTunnels tunnels, EgressRuntime egress, TunnelRelay relay, IDrainSignal drain, Via via, RefusalWriter refusals)
{
    private static readonly ProxyError NoTunnels = new(
        StatusCodes.Status501NotImplemented, "http_request_error", Fault.Gateway, "This listener's connections cannot be given a tunnel.");

    public async Task HandleAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        var target = exchange.Target!.Value; // the middleware that chose this endpoint has set it
        var overStream = HttpProtocol.IsHttp2(context.Request.Protocol) || HttpProtocol.IsHttp3(context.Request.Protocol);

        // 1. Whether there can and may be a tunnel
        var connection = overStream ? null : context.Features.Get<ITunnelFeature>();
        if (!overStream && connection is null)
        {
            await refusals.WriteAsync(context, NoTunnels);
            return;
        }

        // Only then: while a load balancer has yet to notice that this gateway is going, a refusal would be the client's failure.
        if (drain.Closing.IsCancellationRequested)
        {
            await refusals.WriteAsync(context, ProxyErrors.Draining);
            return;
        }

        if (!egress.Current.ConnectPorts.Allows(target, out var refusal))
        {
            await refusals.WriteAsync(context, refusal);
            return;
        }

        // 2. Dial. A failure is thrown, and answered where all are.
        exchange.UpstreamObserver?.OnSending(request: null);
        var destination = await tunnels.ConnectAsync(target, exchange, via.ForNextProxy(context.Request), context.RequestAborted);
        exchange.UpstreamObserver?.OnAnswered(status: null);

        // 3. Only now tell the client that the tunnel stands.
        ITunnelLeg client;
        try
        {
            client = await AcceptAsync(context, connection);
        }
        catch
        {
            await destination.DisposeAsync();
            throw;
        }

        // 4. Relay. Over HTTP/1.1 the connection is no longer the server's, and what the server says of it is no news of the tunnel.
        exchange.IsTunnel = true;
        if (connection is null)
        {
            await relay.RunAsync(client, destination, exchange, context.RequestAborted);
        }
        else
        {
            HandOver(connection, client, destination, exchange);
        }
    }

    // Apart from the rest, so that the closure holds nothing of the request.
    private void HandOver(ITunnelFeature connection, ITunnelLeg client, DialedConnection destination, Exchange exchange)
    {
        exchange.OutlivesRequest = true;
        connection.RunBehindRequest(() => relay.RunAsync(client, destination, exchange, CancellationToken.None));
    }

    private static async ValueTask<ITunnelLeg> AcceptAsync(HttpContext context, ITunnelFeature? connection)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        try
        {
            return connection is null
                ? await StreamTunnelLeg.AcceptAsync(context)
                : await connection.AcceptAsync(context.RequestAborted);
        }
        catch (IOException e)
        {
            throw new ProxyException(ProxyErrors.ClientClosed, e); // while the destination was dialed
        }
    }
}
