namespace PyProxy.Gateway.Http;

/// <summary>Methods are case-sensitive (RFC 9110 §9.1), but <c>HttpClient</c> writes <c>get</c> as <c>GET</c>.</summary>
internal static class RequestMethods
{
    // What HttpMethod normalises; the most frequent first.
    private static readonly string[] Normalised =
        ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE", "QUERY"];

    /// <summary>Whether forwarding would silently change the method into another one.</summary>
    public static bool WouldChange(string method)
    {
        foreach (var known in Normalised)
        {
            if (known.Equals(method, StringComparison.OrdinalIgnoreCase))
            {
                return !known.Equals(method, StringComparison.Ordinal);
            }
        }

        return false;
    }
}
