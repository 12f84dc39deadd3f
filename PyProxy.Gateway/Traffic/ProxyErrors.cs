namespace PyProxy.Gateway.Traffic;

/// <summary>
/// The catalogue of the gateway's own answers, with the statuses and <c>Proxy-Status</c> tokens that RFC 9209 §2.3 recommends for them.
/// A refusal by policy is always 403, whichever policy refused.
/// </summary>
internal static class ProxyErrors
{
    public static ProxyError BadRequest(string detail) => new(StatusCodes.Status400BadRequest, "http_request_error", Fault.Client, detail);

    public static ProxyError MethodNotRecognized(string detail) => new(StatusCodes.Status501NotImplemented, "http_request_error", Fault.Client, detail);

    public static ProxyError LoopDetected { get; } = new(
        StatusCodes.Status508LoopDetected, "proxy_loop_detected", Fault.Gateway, "The request has already passed through this gateway.");

    public static ProxyError AuthenticationRequired(int status) => new(
        status, "http_request_denied", Fault.Client, "Credentials are required and were missing or not accepted.");

    /// <summary>Whoever tries passwords. Tells nothing about the name that was tried.</summary>
    public static ProxyError TooManyAttempts(TimeSpan retryAfter) => new(
        StatusCodes.Status429TooManyRequests, "http_request_denied", Fault.Client, "Too many wrong credentials came from here or for this user; try again later.")
    {
        DecidedBy = "guessing",
        Setting = "Gateway:Authentication:Guessing",
        RetryAfter = retryAfter,
    };

    /// <summary>For ways to prove who one is that a client cannot be asked for: a certificate, an address.</summary>
    public static ProxyError NotRecognized { get; } = new(
        StatusCodes.Status403Forbidden, "http_request_denied", Fault.Client, "Neither certificate nor address of this client belong to a known user.");

    public static ProxyError NotAllowed(string detail, string? decidedBy = null, string? setting = null)
        => new(StatusCodes.Status403Forbidden, "http_request_denied", Fault.Client, detail) { DecidedBy = decidedBy, Setting = setting };

    public static ProxyError DestinationProhibited(string detail, string? setting)
        => new(StatusCodes.Status403Forbidden, "destination_ip_prohibited", Fault.Client, detail) { Setting = setting };

    public static ProxyError TooManyRequests(string limit, TimeSpan? retryAfter)
        => new(StatusCodes.Status429TooManyRequests, "http_request_denied", Fault.Client, $"The limit \"{limit}\" is used up.")
        {
            DecidedBy = limit,
            RetryAfter = retryAfter,
        };

    public static ProxyError NoRoute { get; } = new(
        StatusCodes.Status404NotFound, "destination_not_found", Fault.Client, "No route matches this request.")
    { Setting = "ReverseProxy:Routes" };

    public static ProxyError DnsFailure(string detail) => new(StatusCodes.Status502BadGateway, "dns_error", Fault.Destination, detail);

    public static ProxyError DnsTimeout(string detail) => new(StatusCodes.Status504GatewayTimeout, "dns_timeout", Fault.Destination, detail);

    public static ProxyError ConnectionRefused(string detail) => new(StatusCodes.Status502BadGateway, "connection_refused", Fault.Destination, detail);

    public static ProxyError ConnectionTimeout(string detail) => new(StatusCodes.Status504GatewayTimeout, "connection_timeout", Fault.Destination, detail);

    public static ProxyError DestinationUnroutable(string detail)
        => new(StatusCodes.Status502BadGateway, "destination_ip_unroutable", Fault.Destination, detail);

    public static ProxyError ConnectionTerminated(string detail)
        => new(StatusCodes.Status502BadGateway, "connection_terminated", Fault.Destination, detail);

    public static ProxyError TlsCertificateError(string detail)
        => new(StatusCodes.Status502BadGateway, "tls_certificate_error", Fault.Destination, detail);

    public static ProxyError TlsProtocolError(string detail) => new(StatusCodes.Status502BadGateway, "tls_protocol_error", Fault.Destination, detail);

    public static ProxyError ResponseTimeout(string detail)
        => new(StatusCodes.Status504GatewayTimeout, "http_response_timeout", Fault.Destination, detail);

    public static ProxyError InvalidResponse(string detail) => new(StatusCodes.Status502BadGateway, "http_protocol_error", Fault.Destination, detail);

    public static ProxyError DestinationUnavailable(string detail)
        => new(StatusCodes.Status503ServiceUnavailable, "destination_unavailable", Fault.Destination, detail);

    /// <summary>The gateway's own configuration, or what a database or a token says, cannot be followed.</summary>
    public static ProxyError Misconfigured(string detail, string setting)
        => new(StatusCodes.Status500InternalServerError, "proxy_configuration_error", Fault.Gateway, detail) { Setting = setting };

    /// <summary>For what would last longer than the gateway; requests are still served.</summary>
    public static ProxyError Draining { get; } = new(
        StatusCodes.Status503ServiceUnavailable, "proxy_internal_response", Fault.Gateway, "The gateway is draining and opens no new tunnels.");

    /// <summary>Nobody is left to answer; the status is the one that logs conventionally use for it.</summary>
    public static ProxyError ClientClosed { get; } = new(
        StatusCodes.Status499ClientClosedRequest, null, Fault.Client, "The client closed the connection before it was answered.");

    public static ProxyError Internal { get; } = new(
        StatusCodes.Status500InternalServerError, "proxy_internal_error", Fault.Gateway, "The gateway failed on this exchange; its log says why.");
}
