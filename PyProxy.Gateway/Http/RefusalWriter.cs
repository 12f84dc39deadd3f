using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>
/// Writes every answer that is the gateway's own and not an origin's: status, <c>Proxy-Status</c> (RFC 9209), a body in the form that the
/// client reads, and the same verdict in the exchange, so that answer, log and trace tell one story.
/// </summary>
internal sealed partial class RefusalWriter(GatewayIdentity identity, RefusalPages pages, ILogger<RefusalWriter> logger)
{
    // What a stage before this one said to the client and a refusal must repeat; everything else in the response described an answer that
    // is no longer given.
    private static readonly string[] KeptFields =
        ["Connection", "Allow", "WWW-Authenticate", "Proxy-Authenticate", "RateLimit", "RateLimit-Policy"];

    /// <summary>
    /// Ends the exchange with <paramref name="error"/>. A response that has already started cannot be taken back: it is cut, so that what
    /// was sent does not look complete.
    /// </summary>
    public async Task WriteAsync(HttpContext context, ProxyError error)
    {
        // 1. What the log, the metrics and a way in without HTTP answers (SOCKS) have to know
        var exchange = Exchange.Of(context);
        exchange.Error = error;
        exchange.DecidedBy = error.DecidedBy ?? exchange.DecidedBy;
        exchange.Verdict = VerdictOf(error, exchange.Verdict);
        context.Features.Get<ITunnelRefusalFeature>()?.Refuse(error);

        var response = context.Response;
        if (response.HasStarted)
        {
            LogResponseCut(exchange.Id, error.Status, error.Token);
            context.Abort();
            return;
        }

        // 2. Head
        ClearResponse(response);
        response.StatusCode = error.Status;
        response.Headers["Proxy-Status"] = ProxyStatusField.Format(identity.Pseudonym, error);
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        if (error.RetryAfter is { } retryAfter)
        {
            // At least a second: 0 invites the client to come back at once and be refused again.
            response.Headers.RetryAfter = FormattableString.Invariant($"{Math.Max(1L, (long)Math.Ceiling(retryAfter.TotalSeconds))}");
        }

        // 3. Body
        var told = pages.InOperatorsWords(error);
        ReadOnlyMemory<byte> body;
        if (RefusalBody.PrefersHtml(context.Request.Headers.Accept))
        {
            response.ContentType = "text/html; charset=utf-8";
            response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
            body = pages.Html(told, exchange, context);
        }
        else
        {
            response.ContentType = "application/problem+json";
            body = RefusalBody.ProblemJson(told, exchange.Id);
        }

        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            exchange.RefusalBytes = body.Length; // known before they are counted, so that a ledger that is written meanwhile does not charge them

            // No cancellation: a body this small is buffered by the server, and a client that has gone is no error of this request.
            await response.Body.WriteAsync(body, CancellationToken.None);
        }
    }

    private static void ClearResponse(HttpResponse response)
    {
        var kept = new KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues>[KeptFields.Length];
        var count = 0;
        foreach (var name in KeptFields)
        {
            if (response.Headers.TryGetValue(name, out var value))
            {
                kept[count++] = new(name, value);
            }
        }

        response.Clear();
        foreach (var (name, value) in kept.AsSpan(0, count))
        {
            response.Headers[name] = value;
        }
    }

    private static Verdict VerdictOf(ProxyError error, Verdict current) => error.Status switch
    {
        StatusCodes.Status401Unauthorized or StatusCodes.Status407ProxyAuthenticationRequired => Verdict.Unauthenticated,
        StatusCodes.Status403Forbidden => Verdict.Denied,
        StatusCodes.Status429TooManyRequests => Verdict.Limited,
        _ => current, // a failure, not a judgement
    };

    [LoggerMessage(Level = LogLevel.Debug,
        Message = "Exchange {Exchange}: the response had started, so it was cut instead of being answered with {Status} ({Token}).")]
    private partial void LogResponseCut(string exchange, int status, string? token);
}
