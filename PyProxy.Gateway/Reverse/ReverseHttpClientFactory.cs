using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Http;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Reverse;

/// <summary>
/// YARP's own factory (TLS, HTTP versions, limits and proxy of a cluster are its business) with the gateway's door out and rules for responses.
/// </summary>
internal sealed class ReverseHttpClientFactory(EgressHandlers egress, Via via, ILogger<ForwarderHttpClientFactory> logger)
    : ForwarderHttpClientFactory(logger)
{
    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        egress.Bind(handler, DialPurpose.Configured);

        // YARP's propagator costs 7 % of a small request; the client's own trace context is an ordinary field and passes.
        handler.ActivityHeadersPropagator = null;
    }

    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler)
        => new ResponseRulesHandler(handler, via);
}
