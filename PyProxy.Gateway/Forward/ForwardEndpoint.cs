using Microsoft.AspNetCore.Authorization;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>
/// The forward proxy as an endpoint like any route, so that authentication, authorization and limits treat both kinds alike. There is nothing to
/// match: on a forward listener every request is for it.
/// </summary>
internal sealed class ForwardEndpoint(ConnectHandler connect, AbsoluteFormHandler absoluteForm)
{
    private readonly Endpoint _tunnel = Create(connect.HandleAsync, "Forward: tunnel", new AuthorizeAttribute());
    private readonly Endpoint _anonymousTunnel = Create(connect.HandleAsync, "Forward: tunnel, anonymous");
    private readonly Endpoint _request = Create(absoluteForm.HandleAsync, "Forward: request", new AuthorizeAttribute());
    private readonly Endpoint _anonymousRequest = Create(absoluteForm.HandleAsync, "Forward: request, anonymous");

    public Endpoint For(ForwardTarget target, IListenerFeature? listener)
        => (target.IsTunnel, listener is { AllowAnonymous: true }) switch
        {
            (true, true) => _anonymousTunnel,
            (true, false) => _tunnel,
            (false, true) => _anonymousRequest,
            (false, false) => _request,
        };

    private static Endpoint Create(RequestDelegate handler, string name, params object[] metadata)
        => new(handler, new EndpointMetadataCollection([new ListenerRoleMetadata(ListenerRole.Forward), .. metadata]), name);
}
