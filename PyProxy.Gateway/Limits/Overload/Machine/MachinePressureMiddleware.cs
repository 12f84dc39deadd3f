using System.Collections.Frozen;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>
/// Refuses while the machine is short of something. Before everything else, with bytes that are ready: a refusal that costs as much as an answer
/// relieves nobody. It leaves no line in the access log, only a count. The Admin role is exempt: whoever looks for the cause must get in.
/// </summary>
internal sealed class MachinePressureMiddleware(RequestDelegate next, MachinePressure pressure, GatewayIdentity identity)
{
    private const string Setting = "Gateway:Limits:Overload:Machine";

    private readonly FrozenDictionary<Pressure, Refusal> _refusals = new[] { Pressure.Threads, Pressure.Descriptors, Pressure.Memory }
        .ToFrozenDictionary(static kind => kind, kind => new Refusal(kind, identity));

    public Task InvokeAsync(HttpContext context)
    {
        var current = pressure.Current;
        return current == Pressure.None || pressure.HasRoom(current) || context.Features.Get<IListenerFeature>()?.Role == ListenerRole.Admin
            ? next(context)
            : RefuseAsync(context, current);
    }

    private Task RefuseAsync(HttpContext context, Pressure current)
    {
        pressure.CountRefusal(current);
        var refusal = _refusals[current];
        context.Features.Get<ITunnelRefusalFeature>()?.Refuse(refusal.Error);
        var response = context.Response;
        response.StatusCode = refusal.Error.Status;
        response.Headers.RetryAfter = "2";
        response.Headers.CacheControl = "no-store";
        response.Headers["Proxy-Status"] = refusal.ProxyStatus;
        response.ContentType = "application/problem+json";
        response.ContentLength = refusal.Body.Length;
        if (current == Pressure.Descriptors)
        {
            response.Headers.Connection = "close"; // its descriptor is what is missing
        }
        else
        {
            RefusedConnection.LeaveUnread(context);
        }

        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(refusal.Body).AsTask();
    }

    private sealed class Refusal
    {
        public Refusal(Pressure kind, GatewayIdentity identity)
        {
            Error = new ProxyError(
                StatusCodes.Status503ServiceUnavailable,
                "connection_limit_reached",
                Fault.Gateway,
                kind switch
                {
                    Pressure.Threads => "The gateway's machine has more work than it can do in time.",
                    Pressure.Descriptors => "The gateway has no connections left.",
                    _ => "The gateway has no memory left.",
                })
            { DecidedBy = "overload", Setting = Setting };
            ProxyStatus = ProxyStatusField.Format(identity.Pseudonym, Error);
            Body = RefusalBody.ProblemJson(Error, "overload");
        }

        public ProxyError Error { get; }

        public string ProxyStatus { get; }

        public ReadOnlyMemory<byte> Body { get; }
    }
}
