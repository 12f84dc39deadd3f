using System.Net;
using Microsoft.IdentityModel.Tokens;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>Gets a JSON Web Key Set (RFC 7517) from where the configuration says.</summary>
internal interface IKeySetReader
{
    /// <exception cref="IOException">It cannot be had.</exception>
    /// <exception cref="HttpRequestException">It cannot be had.</exception>
    /// <exception cref="ArgumentException">It is no key set.</exception>
    Task<IReadOnlyList<SecurityKey>> ReadAsync(string source, CancellationToken cancellationToken);
}

/// <param name="createHandler">Makes the HTTP handler of the gateway's own door out, when the first URL is asked for.</param>
internal sealed class KeySetReader(Func<HttpMessageHandler> createHandler) : IKeySetReader, IDisposable
{
    private const int MaxBytes = 1024 * 1024; // hundreds of RSA keys

    private readonly Lazy<HttpMessageInvoker> _invoker = new(() => new HttpMessageInvoker(createHandler()));

    public async Task<IReadOnlyList<SecurityKey>> ReadAsync(string source, CancellationToken cancellationToken)
    {
        var json = Uri.TryCreate(source, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? await DownloadAsync(source, cancellationToken)
            : await File.ReadAllTextAsync(source, cancellationToken);
        return [.. new JsonWebKeySet(json).GetSigningKeys()];
    }

    public void Dispose()
    {
        if (_invoker.IsValueCreated)
        {
            _invoker.Value.Dispose();
        }
    }

    private async Task<string> DownloadAsync(string url, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("application/jwk-set+json, application/json");
        using var response = await _invoker.Value.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new HttpRequestException($"The answer was {(int)response.StatusCode}.", inner: null, response.StatusCode);
        }

        await response.Content.LoadIntoBufferAsync(MaxBytes, cancellationToken);
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }
}
