using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Socks;

/// <summary>Why a handshake does not lead to a request.</summary>
/// <param name="Reason">One of <see cref="RejectionReason"/>.</param>
/// <param name="Answer">What the client is told, in the protocol that it seems to speak.</param>
internal sealed record SocksRejection(string Reason, byte[] Answer);

/// <summary>
/// What a handshake led to: a request for <see cref="Target"/>, a rejection, or neither where the client ended the connection.
/// </summary>
internal readonly record struct SocksHandshakeResult(HostPort? Target, SocksUser? User, SocksRejection? Rejection)
{
    public static implicit operator SocksHandshakeResult(SocksRejection? rejection) => new(null, null, rejection);
}

/// <summary>
/// The server's side of a SOCKS5 handshake up to the request (RFC 1928 §3 and §4, RFC 1929). Bytes behind the request stay unread.
/// </summary>
internal sealed class SocksHandshake(
    IDuplexPipe transport, ICredentialVerifier verifier, TimeProvider time, bool allowNoPassword, IPAddress? clientAddress)
{
    private static readonly byte[] Socks4Rejected = [0x00, 0x5B, 0, 0, 0, 0, 0, 0];

    private static readonly byte[] NotHttp =
    [
        .. "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 49\r\nConnection: close\r\n\r\n"u8,
        .. "This port speaks SOCKS5 (socks5h://), not HTTP.\r\n"u8,
    ];

    private delegate bool Parser<T>(ref SequenceReader<byte> reader, out T message);

    public async ValueTask<SocksHandshakeResult> RunAsync(CancellationToken cancellationToken)
    {
        // 1. Which protocol, which methods.
        if (await ReadAsync<SocksGreeting>(SocksMessages.TryReadGreeting, cancellationToken) is not { } greeting)
        {
            return default;
        }

        if (greeting.Version != SocksVersions.Socks5)
        {
            return OtherProtocol(greeting.Version);
        }

        // 2. The method: a password where the client has one, nothing only where the endpoint says so.
        SocksUser? user = null;
        if (greeting.OffersUserPassword)
        {
            await SendAsync([SocksVersions.Socks5, SocksMessages.MethodUserPassword], cancellationToken);

            // 3. Name and password.
            if (await ReadAsync<SocksCredentials>(SocksMessages.TryReadCredentials, cancellationToken) is not { } credentials)
            {
                return default;
            }

            user = await VerifyAsync(credentials, cancellationToken);
            if (user is null)
            {
                return new SocksRejection(RejectionReason.Unauthenticated, [SocksVersions.UserPassword, 0x01]);
            }

            await SendAsync([SocksVersions.UserPassword, 0x00], cancellationToken);
        }
        else if (allowNoPassword && greeting.OffersNoAuthentication)
        {
            await SendAsync([SocksVersions.Socks5, SocksMessages.MethodNone], cancellationToken);
        }
        else
        {
            return new SocksRejection(RejectionReason.NoAcceptableMethod, [SocksVersions.Socks5, SocksMessages.NoAcceptableMethods]);
        }

        // 4. The request.
        if (await ReadAsync<SocksRequest>(SocksMessages.TryReadRequest, cancellationToken) is not { } request)
        {
            return default;
        }

        return Judge(request, out var target) is { } rejection ? rejection : new SocksHandshakeResult(target, user, null);
    }

    private static SocksRejection OtherProtocol(byte first) => first switch
    {
        SocksVersions.Socks4 => new SocksRejection(RejectionReason.WrongProtocol, Socks4Rejected),
        >= (byte)'A' and <= (byte)'Z' => new SocksRejection(RejectionReason.WrongProtocol, NotHttp), // every HTTP method in use
        _ => new SocksRejection(RejectionReason.WrongProtocol, []),
    };

    private async ValueTask<SocksUser?> VerifyAsync(SocksCredentials credentials, CancellationToken cancellationToken)
    {
        var from = time.GetUtcNow();
        return credentials is { UserName: { } name, Password: { } password }
            && await verifier.VerifyAsync(name, password, clientAddress, cancellationToken) is { } user
            ? new SocksUser(user, from, time.GetUtcNow())
            : null;
    }

    private static SocksRejection? Judge(SocksRequest request, out HostPort target)
    {
        target = default;
        if (request.Version != SocksVersions.Socks5)
        {
            return Reject(RejectionReason.Malformed, SocksReplyCode.GeneralFailure);
        }

        if (request.Command != SocksMessages.CommandConnect)
        {
            return Reject(RejectionReason.Unsupported, SocksReplyCode.CommandNotSupported);
        }

        if (request.AddressType is not (SocksMessages.AddressIPv4 or SocksMessages.AddressDomain or SocksMessages.AddressIPv6))
        {
            return Reject(RejectionReason.Unsupported, SocksReplyCode.AddressTypeNotSupported);
        }

        // A name that no resolver could be asked for is an unreachable host, as one that does not exist.
        if (request.Host is null || !HostPort.TryCanonicalizeHost(request.Host, out var host))
        {
            return Reject(RejectionReason.Malformed, SocksReplyCode.HostUnreachable);
        }

        if (request.Port == 0)
        {
            return Reject(RejectionReason.Malformed, SocksReplyCode.GeneralFailure);
        }

        target = new HostPort(host, request.Port);
        return null;
    }

    private static SocksRejection Reject(string reason, SocksReplyCode code) => new(reason, SocksReply.Create(code));

    private async ValueTask SendAsync(byte[] message, CancellationToken cancellationToken)
        => await transport.Output.WriteAsync(message, cancellationToken);

    /// <summary>The client's next message, or <see langword="null"/> where the connection ends before it is complete.</summary>
    private async ValueTask<T?> ReadAsync<T>(Parser<T> parse, CancellationToken cancellationToken)
        where T : struct
    {
        var input = transport.Input;
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            if (TryParse(parse, result.Buffer, out var message, out var consumed))
            {
                input.AdvanceTo(consumed);
                return message;
            }

            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted || result.IsCanceled)
            {
                return null;
            }
        }
    }

    private static bool TryParse<T>(Parser<T> parse, in ReadOnlySequence<byte> buffer, out T message, out SequencePosition consumed)
    {
        var reader = new SequenceReader<byte>(buffer);
        var complete = parse(ref reader, out message);
        consumed = reader.Position;
        return complete;
    }
}
