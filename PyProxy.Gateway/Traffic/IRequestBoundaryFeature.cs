namespace PyProxy.Gateway.Traffic;

/// <summary>
/// Connection feature of HTTP/1.1 connections whose CONNECT heads are normalised. Only the HTTP server knows where one request ends and the
/// next begins; through this the pipeline passes that knowledge on, so that nobody else has an opinion on framing.
/// </summary>
internal interface IRequestBoundaryFeature
{
    /// <summary>
    /// To be called by the pipeline for every request on the connection, before the request's body is touched: at that time the HTTP server
    /// has consumed exactly the request's head.
    /// </summary>
    /// <param name="bodyLength">
    /// How many bytes lie between the head and the first byte of another request, as the server has it; <see langword="null"/> where nobody
    /// can say: a chunked body, an upgrade.
    /// </param>
    /// <returns>The target of the request where the server has been shown another in its place; otherwise <see langword="null"/>.</returns>
    string? HeadConsumed(long? bodyLength);

    /// <summary>
    /// To be called when the server is seen to have consumed the last byte of a body whose length it could not say, and before it reads on: what comes
    /// next is the first byte of another request.
    /// </summary>
    void BodyConsumed();
}
