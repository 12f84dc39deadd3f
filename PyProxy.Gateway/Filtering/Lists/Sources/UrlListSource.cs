using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using PyProxy.Gateway.Egress;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace PyProxy.Gateway.Filtering.Lists.Sources;

/// <summary>
/// A URL, fetched through the gateway's own door out. What the operator wrote may be anywhere; where it redirects to is the server's word, so that is
/// vetted as a client's destination is, and never leads from https to http.
/// </summary>
internal sealed class UrlListSource(Uri url, ListOptions options, EgressHandlers egress, TimeProvider time) : IListSource
{
    private const int MaxRedirects = 5;
    private const int MaxVersionLength = 1024; // stored, and sent back to the server as it was written

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(1);

    public async Task<ListVersion?> CopyToAsync(Stream destination, ListVersion? known, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await FetchAsync(destination, known, either.Token);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ListException(string.Create(CultureInfo.InvariantCulture, $"the download took longer than {options.Timeout:c} (Timeout)"), e);
        }
        catch (InvalidDataException e)
        {
            throw new ListException("it cannot be decompressed", e);
        }
    }

    public Task WaitAsync(int failures, CancellationToken cancellationToken) => Task.Delay(NextDelay(failures), time, cancellationToken);

    /// <summary>The refresh interval, or after failures the first retry doubled each time up to it; spread, so that many gateways do not come at once.</summary>
    internal TimeSpan NextDelay(int failures)
    {
        var delay = failures == 0 ? options.Refresh : FirstRetry * Math.Pow(2, Math.Min(failures - 1, 20));
        return (delay < options.Refresh ? delay : options.Refresh) * (0.9 + (Random.Shared.NextDouble() * 0.2));
    }

    private async Task<ListVersion?> FetchAsync(Stream destination, ListVersion? known, CancellationToken cancellationToken)
    {
        // Made for one download: the policy of now holds, and no connection stays open for hours.
        using var invoker = new HttpMessageInvoker(CreateHandler());
        using var redirected = new HttpMessageInvoker(egress.CreateHandler(DialPurpose.DownloadRedirect));
        var target = url;
        for (var redirects = 0; redirects <= MaxRedirects; redirects++)
        {
            using var request = CreateRequest(target, known);
            var isConfigured = target.Host == url.Host && target.Port == url.Port;
            using var response = await (isConfigured ? invoker : redirected).SendAsync(request, cancellationToken);
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    await CopyBodyAsync(response, destination, cancellationToken);
                    return VersionOf(response);
                case HttpStatusCode.NotModified when known is { ETag: not null } or { LastModified: not null }:
                    return null;
                case HttpStatusCode.Moved or HttpStatusCode.Found or HttpStatusCode.SeeOther
                    or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect:
                    target = RedirectTarget(target, response);
                    break;
                default:
                    throw new ListException(string.Create(CultureInfo.InvariantCulture, $"the server answered {(int)response.StatusCode}"));
            }
        }

        throw new ListException(string.Create(CultureInfo.InvariantCulture, $"it was redirected more than {MaxRedirects} times"));
    }

    private SocketsHttpHandler CreateHandler()
    {
        var handler = egress.CreateHandler(DialPurpose.Download);
        if (options.AuthoritiesFile is { } file)
        {
            try
            {
                handler.SslOptions.CertificateChainPolicy = ServerTrust.Policy(ServerTrust.Load(file));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                handler.Dispose();
                throw new ListException($"its AuthoritiesFile cannot be read: {e.Message}", e);
            }
        }

        return handler;
    }

    private static HttpRequestMessage CreateRequest(Uri target, ListVersion? known)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, target)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PyProxy.Gateway", productVersion: null));
        if (known?.ETag is { } etag)
        {
            request.Headers.TryAddWithoutValidation(HeaderNames.IfNoneMatch, etag);
        }

        if (known?.LastModified is { } modified)
        {
            request.Headers.TryAddWithoutValidation(HeaderNames.IfModifiedSince, modified);
        }

        return request;
    }

    private async Task CopyBodyAsync(HttpResponseMessage response, Stream destination, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var encoding = response.Content.Headers.NonValidated.TryGetValues(HeaderNames.ContentEncoding, out var values) ? values.ToString() : "";
        if (encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase))
        {
            // The bound is on what comes out; what goes in without anything coming out is bounded by the time.
            await using var plain = new GZipStream(body, CompressionMode.Decompress);
            await BoundedCopy.RunAsync(plain, destination, options.MaxBytes, cancellationToken);
            return;
        }

        if (encoding is not ("" or "identity"))
        {
            throw new ListException("the server sent a content coding that it was not asked for");
        }

        await BoundedCopy.RunAsync(body, destination, options.MaxBytes, cancellationToken);
    }

    private static Uri RedirectTarget(Uri from, HttpResponseMessage response)
    {
        if (response.Headers.Location is not { } location || !Uri.TryCreate(from, location, out var target)
            || (target.Scheme != Uri.UriSchemeHttp && target.Scheme != Uri.UriSchemeHttps) || target.UserInfo.Length > 0)
        {
            throw new ListException("it was redirected to what is no http or https URL");
        }

        return from.Scheme == Uri.UriSchemeHttps && target.Scheme == Uri.UriSchemeHttp
            ? throw new ListException("it was redirected from https to http")
            : target;
    }

    private static ListVersion VersionOf(HttpResponseMessage response) => new(
        Field(response.Headers.NonValidated, HeaderNames.ETag), Field(response.Content.Headers.NonValidated, HeaderNames.LastModified));

    private static string? Field(HttpHeadersNonValidated fields, string name)
        => fields.TryGetValues(name, out var values) && values.ToString() is { Length: > 0 and <= MaxVersionLength } text ? text : null;
}
