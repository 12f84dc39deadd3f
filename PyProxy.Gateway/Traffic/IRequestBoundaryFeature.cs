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
    /// <param name="nextByteBeginsRequest">
    /// Whether the byte behind the head can only be the first of another request: the request has no body and asks for no upgrade.
    /// </param>
    void HeadConsumed(bool nextByteBeginsRequest);
}
