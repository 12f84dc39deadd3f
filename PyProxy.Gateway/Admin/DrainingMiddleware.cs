using Microsoft.AspNetCore.Connections.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// While the gateway drains, each HTTP/1.x answer is its connection's last (RFC 9112 §9.6), and a request on HTTP/2 brings its connection a
/// GOAWAY (RFC 9113 §6.8). Kestrel does either only once listeners are closed; by then <see cref="ShutdownOptions.Delay"/> has passed,
/// HTTP/1.x clients would race the close, and those of HTTP/2 would have had no time to move to another gateway.
/// </summary>
internal sealed class DrainingMiddleware(RequestDelegate next, IDrainSignal drain)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (drain.Draining.IsCancellationRequested)
        {
            if (IsHttp1(context.Request.Protocol))
            {
                // At the last moment: a refusal clears the fields that were set before it.
                context.Response.OnStarting(SayClose, context);
            }
            else
            {
                context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose(); // the streams that are open go on
            }
        }

        return next(context);
    }

    private static bool IsHttp1(string protocol) => HttpProtocol.IsHttp11(protocol) || HttpProtocol.IsHttp10(protocol);

    private static Task SayClose(object state)
    {
        var context = (HttpContext)state;

        // Behind a 101 or a CONNECT's 2xx there is no HTTP left, and so nothing to close.
        var tunnel = context.Response.StatusCode == StatusCodes.Status101SwitchingProtocols
            || (HttpMethods.IsConnect(context.Request.Method) && context.Response.StatusCode is >= 200 and < 300);
        if (!tunnel)
        {
            context.Response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
