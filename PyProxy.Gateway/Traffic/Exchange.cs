using System.Diagnostics;
using System.Net;

namespace PyProxy.Gateway.Traffic;

/// <summary>How the policies judged an exchange.</summary>
internal enum Verdict
{
    /// <summary>No policy refused it.</summary>
    Allowed = 0,

    /// <summary>Credentials were missing or not accepted.</summary>
    Unauthenticated,

    /// <summary>A rule, an authorization policy or the address policy refused it.</summary>
    Denied,

    /// <summary>A limit refused it.</summary>
    Limited,
}

/// <summary>
/// What the gateway knows of one exchange: a request and its answer, or a tunnel from its CONNECT to its end. The one piece of per-request
/// state that features share; access log, metrics and error answers are written from it.
/// </summary>
internal sealed class Exchange
{
    private long _bytesIn;
    private long _bytesOut;
    private bool _isTunnel;
    private Stack<IDisposable>? _held;

    /// <summary>The decision id: in the answer of a refusal, in the log and in the trace.</summary>
    public required string Id { get; init; }

    public required ListenerRole Role { get; init; }

    /// <summary>Name of the endpoint in <c>Kestrel:Endpoints</c>; <see langword="null"/> for one from <c>--urls</c>.</summary>
    public string? Endpoint { get; init; }

    public WayIn WayIn { get; set; }

    /// <summary>The client's address as policies see it: conveyed by PROXY protocol or a trusted proxy where there is one.</summary>
    public IPAddress? ClientAddress { get; set; }

    /// <summary>Destination asked for; set on forward ways in, and on reverse routes from <c>Host</c>.</summary>
    public HostPort? Target { get; set; }

    /// <summary>Who asks; <see langword="null"/> before authentication and for anonymous clients.</summary>
    public KnownUser? Account { get; set; }

    public string? User => Account?.Name;

    /// <summary>Authentication scheme that told who the user is.</summary>
    public string? AuthenticationScheme { get; set; }

    public Verdict Verdict { get; set; }

    /// <summary>The rule or limit that decided, by its configured name.</summary>
    public string? DecidedBy { get; set; }

    /// <summary>Plan that a rule put the exchange on, besides those of user and route.</summary>
    public string? PlanByRule { get; set; }

    /// <summary>Whether the limits were asked about this exchange; a refusal before them is charged afterwards.</summary>
    public bool LimitsAsked { get; set; }

    /// <summary>Holds back the exchange's bytes; <see langword="null"/> where nothing limits them.</summary>
    public ITransferLimiter? Transfers { get; set; }

    /// <summary>Egress profile that a rule chose; otherwise the user's or the plan's holds.</summary>
    public string? EgressProfile { get; set; }

    /// <summary>Egress profile of the first plan that applies and names one.</summary>
    public string? EgressProfileByPlan { get; set; }

    /// <summary>Privacy profile that a rule chose; otherwise the user's, a group's or the endpoint's holds.</summary>
    public string? PrivacyProfile { get; set; }

    /// <summary>What rules say of the addresses that the destination may be dialed at; <see langword="null"/> = nothing.</summary>
    public IAddressCondition? AddressCondition { get; set; }

    /// <summary>Words that rules put on the exchange for the access log; <see langword="null"/> = none.</summary>
    public IReadOnlyList<string>? Tags { get; set; }

    /// <summary>Set when the gateway itself answered.</summary>
    public ProxyError? Error { get; set; }

    /// <summary>Of <see cref="BytesOut"/>, those of a body that the gateway itself wrote in place of an answer: nobody's use of anything.</summary>
    public long RefusalBytes { get; set; }

    /// <summary>YARP's route, where one matched.</summary>
    public string? Route { get; set; }

    public string? Cluster { get; set; }

    /// <summary>YARP's destination, or the address that a forward request or tunnel was connected to.</summary>
    public string? Destination { get; set; }

    /// <summary>Tries to get an answer, where a pipeline counts them; 0 without one.</summary>
    public int Attempts { get; set; }

    /// <summary>
    /// True from the moment a tunnel was established; never taken back. From then on the bytes of HTTP bodies are not counted by the pipeline:
    /// the relay adds its own, whatever it relays through. To be set before the first byte is relayed.
    /// </summary>
    public bool IsTunnel
    {
        get => _isTunnel;
        set
        {
            if (value && !_isTunnel)
            {
                _isTunnel = true;
                TunnelObserver?.OnTunnelEstablished();
            }
        }
    }

    /// <summary>
    /// Whether the exchange, a tunnel, goes on when the pipeline has ended: what is held for the length of an exchange must not be given back
    /// by a stage that unwinds, but by <see cref="HoldUntilEnd"/>. Whoever sets it calls <see cref="End"/>.
    /// </summary>
    public bool OutlivesRequest { get; set; }

    /// <summary>Told once when <see cref="IsTunnel"/> becomes true.</summary>
    public ITunnelObserver? TunnelObserver { get; set; }

    /// <summary>Told of every try to have the destination answer.</summary>
    public IUpstreamObserver? UpstreamObserver { get; set; }

    /// <summary>The span of the exchange; <see langword="null"/> where it is not recorded.</summary>
    public Activity? Trace { get; set; }

    /// <summary>Ends the tunnel from outside; the relay puts it here while it runs.</summary>
    public CancellationTokenSource? TunnelCut { get; set; }

    /// <summary>Bytes from the client: body or relayed stream, without heads and TLS.</summary>
    public long BytesIn => Volatile.Read(ref _bytesIn);

    /// <summary>Bytes to the client: body or relayed stream, without heads and TLS.</summary>
    public long BytesOut => Volatile.Read(ref _bytesOut);

    public void AddBytesIn(long count) => Interlocked.Add(ref _bytesIn, count);

    public void AddBytesOut(long count) => Interlocked.Add(ref _bytesOut, count);

    /// <summary>
    /// Gives something back when the exchange ends, however it ends: permits of a limit, a place in a count. Last in, first out. Not to be
    /// called from two threads at once.
    /// </summary>
    public void HoldUntilEnd(IDisposable held) => (_held ??= []).Push(held);

    /// <summary>Ends the exchange: gives back what was held for it, then lets its record be written. Called once.</summary>
    public void End()
    {
        while (_held is { Count: > 0 } held)
        {
            held.Pop().Dispose();
        }

        if (OutlivesRequest)
        {
            TunnelObserver?.OnTunnelEnded();
        }
    }

    /// <summary>The exchange of a request that has passed the pipeline's first stage.</summary>
    public static Exchange Of(HttpContext context)
        => context.Features.Get<Exchange>() ?? throw new InvalidOperationException("The pipeline's first stage has not run for this request.");
}
