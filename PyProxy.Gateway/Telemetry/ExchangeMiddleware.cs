using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// Makes the <see cref="Exchange"/> of every request and, at its end, hands it to metrics and access log: once, however it ends. Stands outside
/// everything that can answer or throw, because what it does not see leaves no record. A tunnel that outlives its request is recorded at
/// the tunnel's end.
/// </summary>
internal sealed class ExchangeMiddleware(RequestDelegate next, ExchangeRecords records)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var exchange = Create(context);
        var measure = new ExchangeMeasure(exchange, records);
        exchange.TunnelObserver = measure;
        exchange.UpstreamObserver = measure;
        context.Features.Set(exchange);
        BodyCounting.Attach(context, exchange);
        records.Begin(measure, context);

        Exception? failure = null;
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            measure.EndRequest(context, failure);
        }
    }

    private static Exchange Create(HttpContext context)
    {
        var listener = context.Features.Get<IListenerFeature>();
        var role = listener?.Role ?? ListenerRole.Reverse;
        return new Exchange
        {
            Id = context.TraceIdentifier,
            Role = role,
            Endpoint = listener?.Name,
            WayIn = WayInOf(role, context),
            ClientAddress = Normalize(context.Connection.RemoteIpAddress),
        };
    }

    private static WayIn WayInOf(ListenerRole role, HttpContext context) => role switch
    {
        ListenerRole.Admin => WayIn.Admin,
        ListenerRole.Socks => WayIn.Socks,
        ListenerRole.Forward when IsConnect(context) => WayIn.Connect,
        ListenerRole.Forward => WayIn.Forward,
        _ => WayIn.Reverse,
    };

    // An extended CONNECT (RFC 8441) asks for a WebSocket at a path; only the plain one asks for a tunnel to a host and port.
    private static bool IsConnect(HttpContext context)
        => HttpMethods.IsConnect(context.Request.Method)
            && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true };

    // A dual-stack listener shows IPv4 clients as ::ffff:a.b.c.d; rules and logs are written for a.b.c.d.
    private static IPAddress? Normalize(IPAddress? address)
        => address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
}
