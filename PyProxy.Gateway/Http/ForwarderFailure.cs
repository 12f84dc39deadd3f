using System.Security.Authentication;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Http;

/// <summary>What a failed forward of YARP's was in our own words: both proxies forward through YARP, so both fail in its ways.</summary>
internal static class ForwarderFailure
{
    /// <summary>
    /// The error to answer with, or <see langword="null"/> where YARP's report is about a request body although the origin did answer:
    /// such an answer stands.
    /// </summary>
    public static ProxyError? Classify(ForwarderError error, Exception? exception, HttpContext context)
    {
        if (error is ForwarderError.None)
        {
            return null;
        }

        // The dialer knows best: it says why there is no connection.
        if (FindProxyError(exception) is { } known)
        {
            return known;
        }

        return error switch
        {
            ForwarderError.NoAvailableDestinations => ProxyErrors.DestinationUnavailable("The cluster of this route has no destination available."),

            // RequestAborted is the client's own again here; a time limit of the gateway's had its token in that place.
            ForwarderError.RequestCanceled or ForwarderError.RequestBodyCanceled or ForwarderError.UpgradeRequestCanceled
                or ForwarderError.UpgradeResponseCanceled or ForwarderError.ResponseBodyCanceled
                => context.RequestAborted.IsCancellationRequested
                    ? ProxyErrors.ClientClosed
                    : ProxyErrors.ResponseTimeout("The destination did not answer within the time allowed for this request."),
            ForwarderError.RequestTimedOut or ForwarderError.UpgradeActivityTimeout
                => ProxyErrors.ResponseTimeout("The destination did not answer in time."),

            // YARP wraps both causes into an AggregateException when the request failed; alone, the exception means that the response
            // was complete and only the rest of the request body was not wanted.
            ForwarderError.RequestBodyClient => exception is AggregateException ? FromClientBody(exception, context) : null,
            ForwarderError.RequestBodyDestination => exception is AggregateException
                ? ProxyErrors.ConnectionTerminated("The destination closed the connection while the request was being sent.")
                : null,
            ForwarderError.ResponseHeaders => ProxyErrors.InvalidResponse("The destination's response could not be passed on."),
            ForwarderError.RequestCreation => ProxyErrors.Internal,
            _ => FromRequest(exception),
        };
    }

    private static ProxyError FromClientBody(Exception exception, HttpContext context)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            return ProxyErrors.ClientClosed;
        }

        return Find<BadHttpRequestException>(exception) is { } bad
            ? RequestFailure.FromBadRequest(bad)
            : ProxyErrors.BadRequest("The request body could not be read.");
    }

    private static ProxyError FromRequest(Exception? exception)
    {
        if (Find<AuthenticationException>(exception) is { } authentication)
        {
            // SslStream says the same type for both; only a refused certificate is reported by its validation callback.
            return authentication.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase)
                ? ProxyErrors.TlsCertificateError("The destination's certificate is not valid for it.")
                : ProxyErrors.TlsProtocolError("The TLS handshake with the destination failed.");
        }

        return Find<HttpRequestException>(exception)?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => ProxyErrors.DnsFailure("The destination's name could not be resolved."),
            HttpRequestError.ConnectionError => ProxyErrors.ConnectionRefused("The destination could not be connected to."),
            HttpRequestError.SecureConnectionError => ProxyErrors.TlsProtocolError("The TLS handshake with the destination failed."),
            HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.VersionNegotiationError
                or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.ExtendedConnectNotSupported
                => ProxyErrors.InvalidResponse("The destination's response was not valid HTTP."),
            _ => ProxyErrors.ConnectionTerminated("The destination closed the connection before it answered."),
        };
    }

    private static ProxyError? FindProxyError(Exception? exception)
    {
        if (exception is AggregateException aggregate)
        {
            foreach (var inner in aggregate.InnerExceptions)
            {
                if (ProxyException.Find(inner) is { } found)
                {
                    return found;
                }
            }

            return null;
        }

        return ProxyException.Find(exception);
    }

    private static TException? Find<TException>(Exception? exception)
        where TException : Exception
    {
        if (exception is AggregateException aggregate)
        {
            foreach (var inner in aggregate.InnerExceptions)
            {
                if (Find<TException>(inner) is { } found)
                {
                    return found;
                }
            }

            return null;
        }

        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is TException match)
            {
                return match;
            }
        }

        return null;
    }
}
