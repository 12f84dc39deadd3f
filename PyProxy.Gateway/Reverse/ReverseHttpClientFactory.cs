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

    // YARP compares the settings of the client alone.
    protected override bool CanReuseOldClient(ForwarderHttpClientContext context)
        => base.CanReuseOldClient(context) && ClusterEgress.ProfileOf(context.OldMetadata) == ClusterEgress.ProfileOf(context.NewMetadata);

    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler)
        => new ResponseRulesHandler(ByProfile(context, handler), via);

    private HttpMessageHandler ByProfile(ForwarderHttpClientContext context, HttpMessageHandler handler)
    {
        if (ClusterEgress.ProfileOf(context.NewMetadata) is not { } profile)
        {
            return handler;
        }

        handler.Dispose(); // a profile may need several, each made like this one
        return egress.CreateHandler(profile, made => ConfigureHandler(context, made));
    }
}
