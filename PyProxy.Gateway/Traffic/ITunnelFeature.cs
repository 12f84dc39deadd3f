namespace PyProxy.Gateway.Traffic;

/// <summary>
/// Feature of a connection whose client can be given a tunnel: HTTP/1.1 (plain or TLS) and SOCKS5. The CONNECT handler takes the connection
/// over through it; from then on the HTTP server neither reads, writes nor aborts the connection.
/// </summary>
internal interface ITunnelFeature
{
    /// <summary>
    /// Tells the client that the tunnel stands (HTTP: <c>200</c>; SOCKS5: reply 0) and hands over the stream. Bytes that the client sent
    /// right behind its request are the first to be read. To be called once, and only when the response has not started.
    /// </summary>
    ValueTask<ITunnelLeg> AcceptAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Runs the tunnel on the connection as soon as the HTTP server has let go of it: the request, its response and the pipeline's stages are
    /// gone by then, and they are most of what an idle tunnel would cost. To be called once, after <see cref="AcceptAsync"/>; the request is
    /// to end then.
    /// </summary>
    void RunBehindRequest(Func<Task> tunnel);
}

/// <summary>One end of a tunnel: a full-duplex byte stream whose directions end independently.</summary>
internal interface ITunnelLeg : IAsyncDisposable
{
    /// <summary>Reads and writes the tunnel's bytes. A read of zero length waits for data without holding a buffer.</summary>
    Stream Stream { get; }

    /// <summary>Ends the sending direction once everything written has been sent: TCP FIN, TLS close_notify, HTTP/2 END_STREAM.</summary>
    ValueTask ShutdownSendAsync(CancellationToken cancellationToken);

    /// <summary>Ends both directions at once; unsent data may be lost, and the peer sees a reset.</summary>
    void Abort();
}
