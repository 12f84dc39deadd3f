using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Polly.Registry;
using Polly.Timeout;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// The one door out: every connection for traffic is opened here. A name is resolved once per try, every answer is vetted, and only
/// addresses that were vetted are dialed, so that no second answer of a name server can slip in between.
/// </summary>
internal sealed class Dialer(
    IResolver resolver,
    IConnector connector,
    EgressRuntime runtime,
    ResiliencePipelineProvider<string> pipelines,
    TimeProvider time,
    EgressMetrics metrics,
    ILogger<Dialer> logger)
{
    // A name server may answer with hundreds of addresses; trying more than this many would make the gateway somebody's port scanner.
    private const int MaxAddresses = 16;

    private readonly HappyEyeballs _happyEyeballs = new(connector, time);

    /// <summary>Opens a connection to a destination.</summary>
    /// <param name="target">The destination.</param>
    /// <param name="purpose">On whose word.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the connection any more.</param>
    /// <param name="condition">What rules say of the addresses; <see langword="null"/> = nothing.</param>
    /// <exception cref="ProxyException">It could not be opened or must not be; the error says why and whose fault it was.</exception>
    public ValueTask<DialedConnection> ConnectAsync(
        HostPort target, DialPurpose purpose, CancellationToken cancellationToken, IAddressCondition? condition = null)
        => ConnectAsync(new DialRequest(target, purpose) { Condition = condition }, cancellationToken);

    /// <summary>Opens a connection the way that a profile says.</summary>
    /// <exception cref="ProxyException">It could not be opened or must not be; the error says why and whose fault it was.</exception>
    public async ValueTask<DialedConnection> ConnectAsync(DialRequest request, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var purpose = request.Purpose;
        using var span = GatewayTracing.StartChild("dial", ActivityKind.Client);
        span?.SetTag("server.address", request.Target.Host).SetTag("server.port", request.Target.Port);
        try
        {
            var connection = await ConnectInTimeAsync(new Dial(this, request, runtime.Current), cancellationToken);
            metrics.Dialed(EgressMetrics.Success, connection.RemoteEndPoint.AddressFamily, purpose, time.GetElapsedTime(started));
            span?.SetTag("network.peer.address", connection.RemoteEndPoint.Address.ToString());
            return connection;
        }
        catch (ProxyException e)
        {
            metrics.Dialed(e.Error.Token ?? "error", family: null, purpose, time.GetElapsedTime(started));
            span?.Fail(e.Error.Token ?? "error");
            throw;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            metrics.Dialed(EgressMetrics.Cancelled, family: null, purpose, time.GetElapsedTime(started));
            span?.Fail(EgressMetrics.Cancelled);
            throw;
        }
    }

    /// <summary>Where a connection would lead, without making one: for a question without traffic.</summary>
    /// <param name="request">What would be asked for.</param>
    /// <param name="supposed">What the name is to resolve to; <see langword="null"/> = it is resolved.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the answer any more.</param>
    public async ValueTask<DialPreview> PreviewAsync(DialRequest request, IReadOnlyList<IPAddress>? supposed, CancellationToken cancellationToken)
    {
        var addresses = supposed ?? [];
        var dial = new Dial(this, request, runtime.Current);
        try
        {
            addresses = supposed ?? await ResolveAsync(dial, cancellationToken);
            return new DialPreview(addresses, Vet(dial, addresses), Error: null);
        }
        catch (ProxyException e)
        {
            return new DialPreview(addresses, [], e.Error);
        }
    }

    /// <summary>Resolves and vets a destination that somebody else will dial, who is then told an address.</summary>
    /// <returns>At least one end point, in the order in which they should be tried.</returns>
    /// <exception cref="ProxyException">There is none, or none that may be reached.</exception>
    public async ValueTask<IReadOnlyList<IPEndPoint>> ResolveAsync(DialRequest request, CancellationToken cancellationToken)
    {
        var dial = new Dial(this, request, runtime.Current);
        return Vet(dial, await ResolveAsync(dial, cancellationToken));
    }

    private async ValueTask<DialedConnection> ConnectInTimeAsync(Dial dial, CancellationToken cancellationToken)
    {
        var onlyTry = dial.Request.OnlyTry;
        using var timeout = new CancellationTokenSource(onlyTry > TimeSpan.Zero ? onlyTry : dial.Settings.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return onlyTry > TimeSpan.Zero ? await TryAsync(dial, either.Token) : await pipelines.GetPipeline(PipelineNames.Connect)
                .ExecuteAsync(static (dial, token) => dial.Dialer.TryAsync(dial, token), dial, either.Token);
        }
        catch (TimeoutRejectedException e)
        {
            throw new ProxyException(dial.TimeoutError, e);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ProxyException(dial.TimeoutError, e);
        }
    }

    private async ValueTask<DialedConnection> TryAsync(Dial dial, CancellationToken cancellationToken)
    {
        // 1. Resolve, once.
        dial.IsResolving = true;
        var addresses = await ResolveAsync(dial, cancellationToken);
        dial.IsResolving = false;

        // 2. Vet every address; what is prohibited is as if it had not been answered.
        var endPoints = Vet(dial, addresses);

        // 3. Dial what is left.
        try
        {
            return await _happyEyeballs.ConnectAsync(
                HappyEyeballs.Interleave(endPoints), dial.Source, dial.Settings.HappyEyeballsDelay, cancellationToken);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable && !dial.Source.IsOpen)
        {
            throw DialFailure.NoSource(dial.Target, e);
        }
        catch (SocketException e)
        {
            EgressLog.ConnectFailed(logger, dial.Target, e.SocketErrorCode);
            throw DialFailure.Connecting(dial.Target, e);
        }
    }

    private async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(Dial dial, CancellationToken cancellationToken)
    {
        var target = dial.Target;
        if (target.TryGetAddress(out var literal))
        {
            return [literal];
        }

        if (Localhost.IsName(target.Host))
        {
            return Localhost.Addresses;
        }

        try
        {
            return await (dial.Profile.Resolver ?? resolver).ResolveAsync(target.Host, cancellationToken);
        }
        catch (SocketException e)
        {
            throw DialFailure.Resolving(target, e);
        }
    }

    private List<IPEndPoint> Vet(Dial dial, IReadOnlyList<IPAddress> addresses)
    {
        var result = new List<IPEndPoint>(Math.Min(addresses.Count, MaxAddresses));
        AddressVerdict? refusal = null;
        for (var i = 0; i < addresses.Count && result.Count < MaxAddresses; i++)
        {
            var address = addresses[i].IsIPv4MappedToIPv6 ? addresses[i].MapToIPv4() : addresses[i];
            var endPoint = new IPEndPoint(address, dial.Target.Port);
            var verdict = dial.Settings.Addresses.Judge(endPoint, dial.Purpose);
            if (!verdict.IsAllowed)
            {
                refusal ??= verdict;
                EgressLog.Prohibited(logger, dial.Target, address, verdict.Reason);
            }
            else if (dial.Source.Reaches(address.AddressFamily))
            {
                result.Add(endPoint);
            }
        }

        if (result.Count == 0)
        {
            throw refusal is { } verdict ? DialFailure.Prohibited(dial.Target, verdict) : DialFailure.NoSource(dial.Target);
        }

        EgressProfile.Prefer(result, dial.Profile.Family);
        if (result.Count == 0)
        {
            throw DialFailure.NoFamily(dial.Target, dial.Profile.Family);
        }

        if (dial.Request.Condition?.Vet(result) is { } ruledOut)
        {
            throw new ProxyException(ruledOut);
        }

        return result;
    }

    /// <summary>One call of <see cref="ConnectAsync(DialRequest, CancellationToken)"/>, over all its tries.</summary>
    private sealed class Dial(Dialer dialer, DialRequest request, EgressSnapshot settings)
    {
        public Dialer Dialer { get; } = dialer;

        public DialRequest Request { get; } = request;

        public HostPort Target => Request.Target;

        public DialPurpose Purpose => Request.Purpose;

        public EgressSnapshot Settings { get; } = settings;

        public EgressProfile Profile { get; } = request.Profile ?? settings.Direct;

        public SourcePair Source { get; } = request.Profile is null ? settings.Direct.Plain.Source : request.Source;

        public bool IsResolving { get; set; }

        /// <summary>What a timeout at this point means.</summary>
        public ProxyError TimeoutError => IsResolving ? DialFailure.ResolvingTimeout(Target) : DialFailure.Timeout(Target);
    }
}
