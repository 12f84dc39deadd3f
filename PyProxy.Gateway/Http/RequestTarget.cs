namespace PyProxy.Gateway.Http;

/// <summary>
/// Path and query of a request target, byte for byte as the client wrote them. The server's own <c>Request.Path</c> is decoded and normalised:
/// good for routing, but the origin is to see what the client sent (RFC 9110 §7.7).
/// </summary>
internal readonly ref struct RequestTarget
{
    private RequestTarget(ReadOnlySpan<char> path, ReadOnlySpan<char> query)
    {
        Path = path;
        Query = query;
    }

    /// <summary>Begins with a slash; <c>*</c> for the asterisk form.</summary>
    public ReadOnlySpan<char> Path { get; }

    /// <summary>With its question mark; empty where there is none.</summary>
    public ReadOnlySpan<char> Query { get; }

    /// <summary>
    /// Whether a target has only the characters that one may have. Over HTTP/2 the server lets spaces and control characters through, which would
    /// become lines of their own in an HTTP/1.1 request; a fragment (<c>#</c>) is nothing that is ever sent, and parsers disagree about it.
    /// </summary>
    public static bool IsWellFormed(string rawTarget)
        => rawTarget.Length > 0 && !rawTarget.AsSpan().ContainsAnyExceptInRange('!', '~') && !rawTarget.Contains('#', StringComparison.Ordinal);

    /// <summary>Splits a target in origin form, absolute form or asterisk form (RFC 9112 §3.2).</summary>
    public static RequestTarget Split(string rawTarget)
    {
        var rest = rawTarget.AsSpan();
        if (!rest.StartsWith('/') && rest.IndexOf("://") is > 0 and var scheme)
        {
            rest = rest[(scheme + 3)..];
            var authority = rest.IndexOfAny('/', '?');
            rest = authority < 0 ? [] : rest[authority..];
        }

        var question = rest.IndexOf('?');
        var path = question < 0 ? rest : rest[..question];
        return new RequestTarget(path.IsEmpty ? "/" : path, question < 0 ? [] : rest[question..]);
    }
}
