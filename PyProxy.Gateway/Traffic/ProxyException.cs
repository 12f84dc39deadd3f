namespace PyProxy.Gateway.Traffic;

/// <summary>Carries a <see cref="ProxyError"/> through code that only knows exceptions (HttpClient, streams) up to where it is answered.</summary>
internal sealed class ProxyException(ProxyError error, Exception? innerException = null) : IOException(error.Detail, innerException)
{
    public ProxyError Error { get; } = error;

    /// <summary>The <see cref="ProxyError"/> that lies anywhere in a chain of exceptions, or <see langword="null"/>.</summary>
    public static ProxyError? Find(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is ProxyException proxy)
            {
                return proxy.Error;
            }
        }

        return null;
    }
}
