using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>The tunnel of an HTTP/1.1 CONNECT. It takes whatever takeover the connection has by then: behind TLS another one.</summary>
internal sealed class HttpTunnelFeature(IFeatureCollection features) : ITunnelFeature
{
    // RFC 9110 §9.3.6: a 2xx to CONNECT has neither Content-Length nor Transfer-Encoding.
    private static readonly byte[] Established = "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    public ValueTask<ITunnelLeg> AcceptAsync(CancellationToken cancellationToken)
        => features.GetRequiredFeature<IConnectionTakeover>().TakeAsync(Established, cancellationToken);

    public void RunBehindRequest(Func<Task> tunnel) => features.GetRequiredFeature<IConnectionTakeover>().RunBehindRequest(tunnel);
}
