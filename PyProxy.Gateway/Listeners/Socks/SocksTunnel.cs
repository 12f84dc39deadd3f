using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Socks;

/// <summary>The user whom the handshake has verified.</summary>
internal sealed record SocksUser(KnownUser User, DateTimeOffset VerifiedFrom, DateTimeOffset VerifiedUntil) : IVerifiedUserFeature;

/// <summary>
/// Answers the client of one SOCKS5 request as the pipeline decides: reply 0 and the tunnel, or the reply that fits the refusal.
/// </summary>
internal sealed class SocksTunnel(IConnectionTakeover takeover) : ITunnelFeature, ITunnelRefusalFeature
{
    private static readonly byte[] Success = SocksReply.Create(SocksReplyCode.Succeeded);

    private volatile bool _accepted;
    private volatile ProxyError? _error;

    /// <summary>Whether the client has had its answer: from then on the connection is the tunnel's.</summary>
    public bool IsAccepted => _accepted;

    public SocksReplyCode ReplyCode => SocksReply.CodeOf(_error);

    public ValueTask<ITunnelLeg> AcceptAsync(CancellationToken cancellationToken)
    {
        _accepted = true; // also where the hand-over fails: half a reply may have been sent, and a second one would be data
        return takeover.TakeAsync(Success, cancellationToken);
    }

    public void RunBehindRequest(Func<Task> tunnel) => takeover.RunBehindRequest(tunnel);

    public void Refuse(ProxyError error) => _error = error;
}
