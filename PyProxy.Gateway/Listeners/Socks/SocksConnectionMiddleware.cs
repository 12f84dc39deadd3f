using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Socks;

/// <summary>
/// Translates a SOCKS5 connection into one CONNECT request: after the handshake Kestrel reads a head made here and nothing else, what it
/// writes as HTTP goes nowhere, and the client's answer comes from the typed outcome (<see cref="SocksTunnel"/>).
/// </summary>
internal sealed class SocksConnectionMiddleware(
    ConnectionDelegate next,
    ICredentialVerifier verifier,
    IOptionsMonitor<ListenerOptions> options,
    ListenerMetrics metrics,
    TimeProvider timeProvider,
    ILogger<SocksConnectionMiddleware> logger)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        context.Features.Get<IConnectionTakeover>()?.ExpectTunnel(true);

        // 1. The handshake, under one deadline.
        if (await HandshakeAsync(context) is not { } handshake)
        {
            return;
        }

        // 2. A client that gets no request through is told why.
        if (handshake.Rejection is { } rejection)
        {
            Count(context, rejection.Reason);
            await CloseAsync(context, rejection.Answer);
            return;
        }

        // 3. The request, through the same pipeline as every other.
        if (handshake.Target is { } target)
        {
            await ForwardAsync(context, target, handshake);
        }
    }

    private async ValueTask<SocksHandshakeResult?> HandshakeAsync(ConnectionContext context)
    {
        using var deadline = new CancellationTokenSource(options.CurrentValue.SocksHandshakeTimeout, timeProvider);
        var listener = context.Features.Get<IListenerFeature>();
        var handshake = new SocksHandshake(
            context.Transport,
            verifier,
            timeProvider,
            // Who is known by the address has nothing to say here; whether it is known, the pipeline finds out.
            listener is { AllowAnonymous: true } || listener?.Schemes is { } schemes && schemes.Contains(UserScheme.ClientAddress),
            (context.RemoteEndPoint as IPEndPoint)?.Address);
        try
        {
            return await handshake.RunAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            Count(context, RejectionReason.Timeout);
            context.Abort(new ConnectionAbortedException("The SOCKS5 handshake took too long."));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            SocksLog.ClientLeft(logger, context.RemoteEndPoint, e);
        }

        return null;
    }

    private async Task ForwardAsync(ConnectionContext context, HostPort target, SocksHandshakeResult handshake)
    {
        var takeover = context.Features.Get<IConnectionTakeover>()
            ?? throw new InvalidOperationException("SOCKS5 needs a transport whose connections can be taken over.");
        var tunnel = new SocksTunnel(takeover);
        context.Features.Set<ITunnelFeature>(tunnel);
        context.Features.Set<ITunnelRefusalFeature>(tunnel);
        if (handshake.User is { } user)
        {
            context.Features.Set<IVerifiedUserFeature>(user);
        }

        var authority = SocksTarget.AuthorityForHead(target, out var restored);
        if (restored is not null)
        {
            context.Features.Set(restored);
        }

        // The input ends behind the head: Kestrel answers this request and then finds that there is no other.
        var original = context.Transport;
        var swallowed = PipeWriter.Create(Stream.Null);
        context.Transport = new AdaptedTransport(PipeReader.Create(new ReadOnlySequence<byte>(ConnectHead(authority))), swallowed);
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = original;
            await swallowed.CompleteAsync();
        }

        if (!tunnel.IsAccepted)
        {
            await CloseAsync(context, SocksReply.Create(tunnel.ReplyCode));
        }
    }

    private static byte[] ConnectHead(string authority)
        => Encoding.ASCII.GetBytes($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");

    private async ValueTask CloseAsync(ConnectionContext context, byte[] lastWords)
    {
        if (!await CleanClose.TryAsync(context.Transport, lastWords, timeProvider))
        {
            SocksLog.LastWordsUncertain(logger, context.RemoteEndPoint);
        }
    }

    private void Count(ConnectionContext context, string reason)
    {
        metrics.ConnectionRejected(ListenerMetrics.SocksAdapter, reason);
        SocksLog.Rejected(logger, context.RemoteEndPoint, reason);
    }
}

internal static partial class SocksLog
{
    [LoggerMessage(1, LogLevel.Information, "Rejected a connection from {Client} on a SOCKS endpoint: {Reason}.",
        EventName = "SocksRejected")]
    public static partial void Rejected(ILogger logger, EndPoint? client, string reason);

    [LoggerMessage(2, LogLevel.Debug, "{Client} left during the SOCKS handshake.", EventName = "SocksClientLeft")]
    public static partial void ClientLeft(ILogger logger, EndPoint? client, Exception exception);

    [LoggerMessage(3, LogLevel.Debug, "{Client} was gone, or went on sending, when it got its last answer.",
        EventName = "SocksLastWordsUncertain")]
    public static partial void LastWordsUncertain(ILogger logger, EndPoint? client);
}
