using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>Opens the far ends of tunnels: directly, or through one of a pool's upstream proxies, another one where the first one fails.</summary>
internal sealed class EgressTunnels(Dialer dialer, UpstreamDialer upstreams, EgressChooser chooser, UpstreamFailover failover)
{
    /// <param name="target">The destination.</param>
    /// <param name="exchange">Whose tunnel it is.</param>
    /// <param name="via">Value of <c>Via</c> for an upstream proxy: through whom the request came, this gateway last.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the connection any more.</param>
    /// <exception cref="ProxyException">It could not be opened or must not be; the error says why and whose fault it was.</exception>
    public async ValueTask<DialedConnection> ConnectAsync(HostPort target, Exchange exchange, string via, CancellationToken cancellationToken)
    {
        var choice = chooser.Choose(exchange);
        if (choice.Profile.Upstreams is { } pool)
        {
            return await ConnectAsync(pool, target, choice, via, cancellationToken);
        }

        var request = new DialRequest(target, DialPurpose.Forward) { Profile = choice.Profile, Source = choice.Source, Condition = choice.Condition };
        var connection = await dialer.ConnectAsync(request, cancellationToken);
        exchange.Destination = connection.RemoteEndPoint.ToString();
        return connection;
    }

    private async ValueTask<DialedConnection> ConnectAsync(UpstreamPool pool, HostPort target, EgressChoice choice, string via, CancellationToken cancellationToken)
    {
        var tried = new UpstreamAttempts();
        while (true)
        {
            var proxy = failover.Next(pool, target.Host, choice, ref tried);
            var place = proxy.Health.Use();
            try
            {
                var connection = await upstreams.ConnectAsync(pool, proxy, target, choice, DialPurpose.Forward, via, cancellationToken);
                UpstreamFailover.Taken(pool, proxy, place, choice);
                return connection;
            }
            catch (UpstreamUnusableException e)
            {
                place.Dispose();
                tried.HasFailed(proxy, e.Error);
            }
            catch
            {
                place.Dispose();
                throw;
            }
        }
    }
}
