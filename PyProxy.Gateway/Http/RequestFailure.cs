using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>What a request that the server could not read to its end is answered with.</summary>
internal static class RequestFailure
{
    /// <summary>The server's own words say what was wrong; they hold limits and field names, never contents.</summary>
    public static ProxyError FromBadRequest(BadHttpRequestException exception) => ProxyErrors.BadRequest(exception.Message) with
    {
        Status = exception.StatusCode,
        Setting = exception.StatusCode == StatusCodes.Status413PayloadTooLarge ? "Kestrel:Limits:MaxRequestBodySize" : null,
    };
}
