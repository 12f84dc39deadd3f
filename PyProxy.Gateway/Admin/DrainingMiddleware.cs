using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// While the gateway drains, each HTTP/1.x answer is its connection's last (RFC 9112 §9.6). Kestrel does that only once listeners are
/// closed; by then <see cref="ShutdownOptions.Delay"/> has passed and clients would race the close. HTTP/2 needs nothing: its GOAWAY says
/// exactly which requests were not looked at.
/// </summary>
internal sealed class DrainingMiddleware(RequestDelegate next, IDrainSignal drain)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (drain.Draining.IsCancellationRequested && IsHttp1(context.Request.Protocol))
        {
            // At the last moment: a refusal clears the fields that were set before it.
            context.Response.OnStarting(SayClose, context);
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
