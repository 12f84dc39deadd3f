using System.Net.Sockets;
using System.Security.Authentication;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>Opens one connection through one upstream proxy. Which one, and what happens to others, is decided by whoever asks.</summary>
internal sealed class UpstreamDialer(Dialer dialer, EgressRuntime runtime, GatewayIdentity identity, UpstreamMetrics metrics, TimeProvider time, ILogger<UpstreamDialer> logger)
{
    private readonly string _via = $"1.1 {identity.Pseudonym}";

    /// <summary>Connects to the upstream proxy, ready to be spoken to: in TLS, greeted, authenticated.</summary>
    /// <exception cref="UpstreamUnusableException">That did not work; it was counted against the proxy.</exception>
    public async ValueTask<DialedConnection> ConnectAsync(UpstreamPool pool, UpstreamProxy proxy, EgressChoice choice, CancellationToken cancellationToken)
    {
        try
        {
            return await PrepareAsync(pool, proxy, choice, pool.Options.ConnectTimeout, cancellationToken);
        }
        catch (UpstreamUnusableException e)
        {
            Note(pool, proxy, e.Error);
            throw;
        }
    }

    /// <summary>Opens a connection to a destination through the upstream proxy.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="proxy">One of it.</param>
    /// <param name="target">The destination.</param>
    /// <param name="choice">How the exchange leaves.</param>
    /// <param name="purpose">On whose word the destination is reached.</param>
    /// <param name="via">Value of <c>Via</c> for the CONNECT request, where it has come through other proxies.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the connection any more.</param>
    /// <exception cref="UpstreamUnusableException">The proxy failed; another one may be tried.</exception>
    /// <exception cref="ProxyException">The destination must not be reached, or the proxy answered that it cannot be.</exception>
    public async ValueTask<DialedConnection> ConnectAsync(
        UpstreamPool pool, UpstreamProxy proxy, HostPort target, EgressChoice choice, DialPurpose purpose, string? via, CancellationToken cancellationToken)
    {
        // 1. What the proxy is told: the name, or an address that was vetted here
        var told = proxy.ResolvesFor(target, choice.Condition) ? target : await VetAsync(target, choice, purpose, cancellationToken);

        // 2. The proxy itself
        var connection = await ConnectAsync(pool, proxy, choice, cancellationToken);

        // 3. Through it
        var asked = time.GetTimestamp();
        var isSilent = false;
        try
        {
            using var timeout = new CancellationTokenSource(runtime.Current.ConnectTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            try
            {
                await OpenAsync(pool, proxy, connection, told, target, via ?? _via, either.Token);
            }
            catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // Any user may choose a destination that is silent. A proxy that in all that time has said nothing to anybody is so itself.
                isSilent = !proxy.Health.HasAnsweredSince(asked);
                throw new ProxyException(UpstreamFailure.NoAnswer(proxy, target), e);
            }

            proxy.Health.Succeeded();
            metrics.Opened(pool, proxy, UpstreamMetrics.Success);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            switch (e)
            {
                case UpstreamUnusableException { Counts: true } unusable:
                    Note(pool, proxy, unusable.Error);
                    break;
                case UpstreamUnusableException:
                    metrics.Opened(pool, proxy, UpstreamMetrics.Failed);
                    break;
                case ProxyException silence when isSilent:
                    Note(pool, proxy, silence.Error);
                    break;
                case ProxyException:
                    metrics.Opened(pool, proxy, UpstreamMetrics.Answered);
                    break;
            }

            throw;
        }
    }

    /// <summary>What a check does: connects, and where the pool says so opens a tunnel.</summary>
    /// <exception cref="UpstreamUnusableException">It failed.</exception>
    /// <exception cref="ProxyException">The proxy answered that the target cannot be reached.</exception>
    public async Task CheckAsync(UpstreamPool pool, UpstreamProxy proxy, EgressChoice choice, CancellationToken cancellationToken)
    {
        var check = pool.Options.HealthCheck;
        await using var connection = await PrepareAsync(pool, proxy, choice, check.Timeout, cancellationToken);
        if (check.Target is { } text && HostPort.TryParse(text, 0, out var target))
        {
            // The target is the operator's own, so it is told as it is written, whoever resolves it.
            await OpenAsync(pool, proxy, connection, target, target, _via, cancellationToken);
        }
    }

    /// <summary>Resolves and vets a destination that the upstream proxy is not trusted to resolve.</summary>
    public async ValueTask<HostPort> VetAsync(HostPort target, EgressChoice choice, DialPurpose purpose, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(runtime.Current.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var request = new DialRequest(target, purpose) { Profile = choice.Profile, Condition = choice.Condition };
            var endPoints = await dialer.ResolveAsync(request, either.Token);
            return new HostPort(endPoints[0].Address.ToString(), target.Port);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ProxyException(DialFailure.ResolvingTimeout(target), e);
        }
    }

    /// <summary>Counts a failure against a proxy, and says so where that takes it out.</summary>
    public void Note(UpstreamPool pool, UpstreamProxy proxy, ProxyError error)
    {
        metrics.Opened(pool, proxy, UpstreamMetrics.Failed);
        if (proxy.Health.HasFailed(error.Detail, pool.Options))
        {
            UpstreamLog.Ejected(logger, proxy.Name, pool.Profile, proxy.Health.Remaining, error.Detail);
            metrics.Ejected(pool, proxy, UpstreamEvidence.Traffic);
        }
    }

    private async ValueTask<DialedConnection> PrepareAsync(
        UpstreamPool pool, UpstreamProxy proxy, EgressChoice choice, TimeSpan within, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        DialedConnection? connection = null;
        try
        {
            var request = new DialRequest(proxy.Address, DialPurpose.Upstream) { Profile = choice.Profile, Source = choice.Source, OnlyTry = within };
            connection = await dialer.ConnectAsync(request, either.Token);
            if (proxy.Kind == UpstreamKind.Https)
            {
                await connection.SecureAsync(pool.TlsTo(proxy), either.Token);
            }

            if (proxy.Kind == UpstreamKind.Socks5
                && !await SocksHandshake.GreetAsync(connection.Stream, proxy.Options.User, proxy.Options.Password, either.Token))
            {
                throw new UpstreamUnusableException(UpstreamFailure.Credentials(pool.Profile, proxy));
            }

            return connection;
        }
        catch (Exception e)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw e switch
            {
                UpstreamUnusableException => e,
                ProxyException dial => new UpstreamUnusableException(UpstreamFailure.Unreachable(proxy, dial.Error), e),
                OperationCanceledException => new UpstreamUnusableException(UpstreamFailure.TooSlow(proxy), e),
                AuthenticationException => new UpstreamUnusableException(UpstreamFailure.Tls(proxy), e),
                InvalidDataException => new UpstreamUnusableException(UpstreamFailure.OddAnswer(proxy), e),
                IOException or SocketException => new UpstreamUnusableException(UpstreamFailure.BrokeOff(proxy), e),
                _ => e,
            };
        }
    }

    private static async Task OpenAsync(
        UpstreamPool pool, UpstreamProxy proxy, DialedConnection connection, HostPort told, HostPort target, string via, CancellationToken cancellationToken)
    {
        try
        {
            if (proxy.Kind == UpstreamKind.Socks5)
            {
                var reply = await SocksHandshake.ConnectAsync(connection.Stream, told, cancellationToken);
                proxy.Health.Answered();
                if (reply != 0)
                {
                    throw new ProxyException(UpstreamFailure.Refused(proxy, target, reply));
                }

                return;
            }

            var status = await ConnectHandshake.RunAsync(connection, told, proxy.Authorization, via, cancellationToken);
            proxy.Health.Answered();
            if (status is StatusCodes.Status407ProxyAuthenticationRequired)
            {
                throw new UpstreamUnusableException(UpstreamFailure.Credentials(pool.Profile, proxy, status));
            }

            if (status is < 200 or > 299)
            {
                throw new ProxyException(UpstreamFailure.Refused(proxy, target, status));
            }
        }
        catch (InvalidDataException e)
        {
            throw new UpstreamUnusableException(UpstreamFailure.OddAnswer(proxy), e);
        }
        catch (Exception e) when (e is EndOfStreamException or SocketException or IOException and not (ProxyException or UpstreamUnusableException))
        {
            throw new UpstreamUnusableException(UpstreamFailure.BrokeOff(proxy), e) { Counts = false };
        }
    }
}
