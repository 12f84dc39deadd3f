using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>Sends requests the way that each one's <see cref="EgressChoice"/> says: to its destination, or to an upstream proxy, another one where the first one fails.</summary>
/// <param name="pools">The connections.</param>
/// <param name="fallback">The choice of requests that carry none.</param>
/// <param name="purpose">On whose word destinations are reached.</param>
/// <param name="upstreams">Vets what is handed to upstream proxies.</param>
/// <param name="failover">Which upstream proxy comes next.</param>
internal sealed class EgressSender(
    EgressPools pools, Func<EgressChoice> fallback, DialPurpose purpose, UpstreamDialer upstreams, UpstreamFailover failover) : HttpMessageHandler
{
    private const string ProxyAuthorization = "Proxy-Authorization";

    // Between this gateway and its parent, like the 407 that they belong to (RFC 9110 §11.7).
    private static readonly string[] ParentsOwnFields = ["Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection"];

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!request.Options.TryGetValue(EgressChoice.Key, out var choice))
        {
            choice = fallback();
        }

        return choice.Profile.Upstreams is { } pool
            ? SendAsync(request, pool, choice, cancellationToken)
            : pools.SendAsync(request, choice.Pool, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            pools.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, UpstreamPool pool, EgressChoice choice, CancellationToken cancellationToken)
    {
        if (!HostPort.TryParse(request.RequestUri!.Authority, request.RequestUri.Port, out var target))
        {
            throw new ProxyException(ProxyErrors.BadRequest("The destination's authority is not a host and a port."));
        }

        var tried = new UpstreamAttempts();
        while (true)
        {
            var proxy = failover.Next(pool, target.Host, choice, ref tried);
            var place = proxy.Health.Use();
            try
            {
                var response = await SendAsync(request, pool, proxy, target, choice, cancellationToken);
                UpstreamFailover.Taken(pool, proxy, place, choice);
                return response;
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

    /// <exception cref="UpstreamUnusableException">The proxy failed, and the request may be sent through another one.</exception>
    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, UpstreamPool pool, UpstreamProxy proxy, HostPort target, EgressChoice choice, CancellationToken cancellationToken)
    {
        var isParent = IsForParent(request, proxy, target, choice);
        if (isParent && target.TryGetAddress(out _))
        {
            await upstreams.VetAsync(target, choice, purpose, cancellationToken);
        }

        request.Headers.Remove(ProxyAuthorization); // of a proxy that was tried before
        if (isParent && proxy.Authorization is { } authorization)
        {
            request.Headers.TryAddWithoutValidation(ProxyAuthorization, authorization);
        }

        try
        {
            var response = await pools.SendAsync(
                request, new ConnectionPoolKey(choice.Profile, choice.Source, proxy, isParent, choice.Condition), cancellationToken);
            return isParent ? Judge(request, response, pool, proxy) : response;
        }
        catch (HttpRequestException e)
        {
            // The connection did not come about, so nothing was sent; it was counted where it failed.
            if (UpstreamUnusableException.Find(e) is { } unusable)
            {
                throw new UpstreamUnusableException(unusable.Error, e);
            }

            // It broke off without an answer. A request that is safe to send again, and of which nothing was read from the client, goes to
            // another one (RFC 9110 §9.2.2). It counts for nothing: the destination may be the cause.
            if (isParent && MayRepeat(request)
                && e.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.Unknown && ProxyException.Find(e) is null)
            {
                throw new UpstreamUnusableException(UpstreamFailure.BrokeOff(proxy), e) { Counts = false };
            }

            throw;
        }
        finally
        {
            request.Headers.Remove(ProxyAuthorization);
        }
    }

    /// <summary>
    /// Whether the proxy gets the request in absolute form: http, and the name is for it to resolve, or there is none. A proxy that is told an
    /// address is asked for a tunnel instead: in absolute form the address would take the place of Host. So is one for an upgrade.
    /// </summary>
    private static bool IsForParent(HttpRequestMessage request, UpstreamProxy proxy, HostPort target, EgressChoice choice)
        => proxy.SpeaksHttp
            && request.RequestUri!.Scheme == Uri.UriSchemeHttp
            && (proxy.ResolvesFor(target, choice.Condition) || (choice.Condition is null && target.TryGetAddress(out _)))
            && !request.Headers.NonValidated.Contains("Upgrade");

    private HttpResponseMessage Judge(HttpRequestMessage request, HttpResponseMessage response, UpstreamPool pool, UpstreamProxy proxy)
    {
        if ((int)response.StatusCode == StatusCodes.Status407ProxyAuthenticationRequired)
        {
            response.Dispose();
            var error = UpstreamFailure.Credentials(pool.Profile, proxy, StatusCodes.Status407ProxyAuthenticationRequired);
            upstreams.Note(pool, proxy, error);
            throw request.Content is null ? new UpstreamUnusableException(error) : new ProxyException(error);
        }

        proxy.Health.Succeeded();
        foreach (var field in ParentsOwnFields)
        {
            response.Headers.Remove(field);
        }

        return response;
    }

    private static bool MayRepeat(HttpRequestMessage request)
        => request.Content is null && (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head || request.Method == HttpMethod.Options);
}
