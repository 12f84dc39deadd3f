using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners;

/// <summary>
/// Connection feature of the transport: takes the connection away from the HTTP server. From then on that server neither reads, writes nor
/// aborts the connection; its end, too, is the business of the returned leg.
/// </summary>
internal interface IConnectionTakeover
{
    /// <summary>
    /// Writes <paramref name="greeting"/> to the client, behind everything that was written before, and hands the connection over. Bytes
    /// that were received and not consumed are the first that the leg reads. To be called once.
    /// </summary>
    ValueTask<ITunnelLeg> TakeAsync(ReadOnlyMemory<byte> greeting, CancellationToken ct);

    /// <summary>
    /// Says beforehand whether the connection is to become a tunnel: that its client has sent its last then ends one direction, and is no news of
    /// a client that has gone. An end that came earlier has been judged by then.
    /// </summary>
    void ExpectTunnel(bool isExpected);

    /// <inheritdoc cref="ITunnelFeature.RunBehindRequest"/>
    void RunBehindRequest(Func<Task> tunnel);
}
