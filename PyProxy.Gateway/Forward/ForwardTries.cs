using PyProxy.Gateway.Http.Tries;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>Tries of a request in absolute form, all to the one destination that it names.</summary>
internal sealed class ForwardTries(HttpContext context, RequestPipeline pipeline, ResilienceMetrics metrics, Func<Task> send)
    : RequestTries(context, pipeline, metrics)
{
    protected override Task StepAsync() => ForwardAsync(send);

    // What is not there, not valid or not allowed is the same the next time.
    protected override bool IsWorthAnotherTry(ProxyError error) => error.Token is "connection_refused" or "connection_timeout" or "connection_terminated"
        or "http_response_timeout" or "dns_timeout" or "destination_ip_unroutable";
}
