using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Overload;

internal static class RefusedConnection
{
    /// <summary>Leaves what the client asks next unread for a while (<see cref="IRefusedConnectionFeature"/>); not where requests of others share the connection.</summary>
    public static void LeaveUnread(HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol))
        {
            context.Features.Get<IRefusedConnectionFeature>()?.PauseReceiving();
        }
    }
}
