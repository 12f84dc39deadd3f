using System.Net;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>
/// What both proxies do to an origin's response before YARP copies it to the client. Stands around the <see cref="SocketsHttpHandler"/>
/// rather than among YARP's transforms: a 101 that nobody asked for must not get as far as the upgrade.
/// </summary>
internal sealed class ResponseRulesHandler(HttpMessageHandler inner, Via via) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.SwitchingProtocols && !IsAnswerToUpgrade(request, response))
        {
            response.Dispose();
            throw new ProxyException(ProxyErrors.InvalidResponse("The destination switched to a protocol that nobody asked for."));
        }

        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            response.Content.Headers.ContentLength = null; // RFC 9110 §8.6: a 204 has none, and the server would wait for that many bytes
        }

        PacedContent.WrapIfAsked(request, response);
        HopByHop.RemoveNominated(response);
        response.Headers.TryAddWithoutValidation(HeaderNames.Via, via.ForResponse(response.Version));
        return response;
    }

    // RFC 9110 §15.2.2 and §7.8: only to one of the protocols that the request names.
    private static bool IsAnswerToUpgrade(HttpRequestMessage request, HttpResponseMessage response)
    {
        if (!request.Headers.NonValidated.TryGetValues(HeaderNames.Upgrade, out var asked)
            || !response.Headers.NonValidated.TryGetValues(HeaderNames.Upgrade, out var chosen))
        {
            return false;
        }

        var protocol = chosen.ToString().AsSpan().Trim();
        foreach (var value in asked)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (value.AsSpan(range).Trim().Equals(protocol, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
