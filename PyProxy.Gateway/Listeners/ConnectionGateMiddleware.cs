using System.Net;
using Microsoft.AspNetCore.Connections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners;

/// <summary>
/// Closes connections of an address that has too many, before TLS and everything behind it. Stands behind the PROXY protocol, which says whose a
/// connection is; one that a trusted proxy opens for many clients is nobody's.
/// </summary>
internal sealed class ConnectionGateMiddleware(ConnectionDelegate next, IConnectionGate gate, TrustedProxies trusted, ListenerMetrics metrics)
{
    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        if (connection.RemoteEndPoint is not IPEndPoint { Address: var address } || trusted.Contains(address))
        {
            await next(connection);
            return;
        }

        if (!gate.TryOpen(address, out var open))
        {
            metrics.ConnectionRejected(ListenerMetrics.GateAdapter, RejectionReason.TooMany);
            connection.Abort(new ConnectionAbortedException("The client's address has too many connections."));
            return;
        }

        using (open)
        {
            await next(connection);
        }
    }
}
