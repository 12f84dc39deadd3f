using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// A client's connection. It serves Kestrel until a tunnel takes it over; from then on the client's FIN is no event of the HTTP layer any
/// more, and what that layer writes and aborts reaches nobody.
/// </summary>
internal sealed class ClientConnection : ConnectionContext, IConnectionTakeover, IConnectionIdFeature, IConnectionTransportFeature,
    IConnectionItemsFeature, IMemoryPoolFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionSocketFeature, IRefusedConnectionFeature
{
    private static readonly AdaptedTransport Ended = new(PipeReader.Create(ReadOnlySequence<byte>.Empty), PipeWriter.Create(Stream.Null));

    private readonly Lock _gate = new();
    private readonly TimeProvider _timeProvider;
    private readonly CancellationToken _serverStopped;
    private readonly CancellationTokenSource _closed = new();
    private IFeatureCollection _features;
    private SocketPipes? _pipes; // none once the socket is a tunnel's and the HTTP layer has ended
    private bool _socketIsTunnels;
    private volatile bool _tunnelIsExpected;
    private Func<Task>? _tunnel;
    private IDictionary<object, object?>? _items;
    private Task _closedSignal = Task.CompletedTask;
    private State _state;
    private int _socketClosed;

    public ClientConnection(Socket socket, MemoryPool<byte> pool, TimeProvider timeProvider, CancellationToken serverStopped)
    {
        Socket = socket;
        MemoryPool = pool;
        _timeProvider = timeProvider;
        _serverStopped = serverStopped;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;

        _pipes = new SocketPipes(socket, pool);
        Transport = _pipes;
        _features = CreateFeatures();
    }

    private enum State
    {
        /// <summary>Kestrel's.</summary>
        Serving = 0,

        /// <summary>A tunnel's.</summary>
        Taken,

        /// <summary>Ended by Kestrel.</summary>
        Aborted,
    }

    public Socket Socket { get; }

    public MemoryPool<byte> MemoryPool { get; }

    public override string ConnectionId { get; set; } = ConnectionIds.Next();

    public override IFeatureCollection Features => _features;

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public void Start() => _pipes?.Start(OnReceivingEnded);

    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (_gate)
        {
            if (_state != State.Serving)
            {
                return;
            }

            _state = State.Aborted;
        }

        if (TryOwnClose())
        {
            SocketClose.Abruptly(Socket);
        }
    }

    public async ValueTask<ITunnelLeg> TakeAsync(ReadOnlyMemory<byte> greeting, CancellationToken ct)
    {
        // 1. From here on Kestrel neither aborts the connection nor hears of its FIN.
        BeginTunnel();
        _socketIsTunnels = true;
        try
        {
            // 2. Nobody else reads the socket.
            var received = await _pipes!.StopReceivingAsync();

            // 3. The answer goes behind everything that was written before; afterwards the HTTP layer's words are dropped.
            await _pipes.WriteLastAsync(greeting, ct);
            return new SocketTunnelLeg(this, PrefixedStream.Create(received, new NetworkStream(Socket, ownsSocket: false)));
        }
        catch
        {
            ResetTunnel();
            throw;
        }
    }

    public void PauseReceiving() => _pipes?.PauseReceiving(_timeProvider);

    public void ExpectTunnel(bool isExpected)
    {
        _tunnelIsExpected = isExpected;
        _pipes?.Judged();
    }

    public void RunBehindRequest(Func<Task> tunnel) => _tunnel = tunnel;

    /// <summary>The tunnel that a request has left, to be run now; <see langword="null"/> where none did. The HTTP layer has ended.</summary>
    public async ValueTask<Func<Task>?> TakeTunnelAsync()
    {
        if (Interlocked.Exchange(ref _tunnel, null) is not { } tunnel)
        {
            return null;
        }

        // An idle tunnel should cost little: what only the HTTP layer needs goes before it begins to wait.
        if (_socketIsTunnels)
        {
            await _pipes!.DisposeAsync();
            _pipes = null;
            Transport = Ended;
            _features = new FeatureCollection();
        }

        return tunnel;
    }

    /// <summary>Makes the connection a tunnel's, whose leg ends it.</summary>
    /// <exception cref="ConnectionAbortedException">Kestrel has ended it.</exception>
    public void BeginTunnel()
    {
        lock (_gate)
        {
            switch (_state)
            {
                case State.Taken:
                    throw new InvalidOperationException("The connection has been taken over already.");
                case State.Aborted:
                    throw new ConnectionAbortedException("The connection has been aborted.");
                default:
                    _state = State.Taken;
                    break;
            }
        }
    }

    /// <summary>Like <see cref="BeginTunnel"/>, for a tunnel inside TLS: it writes through the pipes, and must hear where that fails.</summary>
    public void BeginTlsTunnel()
    {
        BeginTunnel();
        _pipes?.ThrowFailure();
    }

    /// <summary>Calls <paramref name="leg"/>'s abort when the server stops and will wait no longer.</summary>
    public CancellationTokenRegistration AbortWithServer(ITunnelLeg leg)
        => _serverStopped.UnsafeRegister(static state => ((ITunnelLeg)state!).Abort(), leg);

    public void ResetTunnel()
    {
        if (TryOwnClose())
        {
            SocketClose.Reset(Socket);
        }
    }

    public ValueTask CloseTunnelAsync() => TryOwnClose() ? SocketClose.GracefullyAsync(Socket, _timeProvider) : ValueTask.CompletedTask;

    /// <summary>Ends the connection after its last answer. What was flushed arrives, unless the connection was aborted.</summary>
    public override async ValueTask DisposeAsync()
    {
        // 1. Everything written is sent, and every buffer given back.
        if (_pipes is { } pipes)
        {
            await pipes.DisposeAsync();
        }

        // 2. The socket closes, unless an abort or a tunnel has closed it.
        await CloseTunnelAsync();

        // 3. Whoever waits for the end is told.
        SignalClosed();
        await _closedSignal;
        _closed.Dispose();
        Socket.Dispose();
        await base.DisposeAsync();
    }

    private FeatureCollection CreateFeatures()
    {
        var features = new FeatureCollection(17);
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IMemoryPoolFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        features.Set<IConnectionSocketFeature>(this);
        features.Set<IConnectionTakeover>(this);
        features.Set<IRefusedConnectionFeature>(this);
        features.Set<ITunnelFeature>(new HttpTunnelFeature(features));
        return features;
    }

    // The client's end behind a CONNECT or SOCKS5 is the end of one direction of the tunnel that is to come; behind anything else Kestrel takes it for gone.
    private void OnReceivingEnded(ReceivingEnd end)
    {
        if (end == ReceivingEnd.Failed || !(_tunnelIsExpected || end == ReceivingEnd.BehindTunnelRequest))
        {
            SignalClosed(unlessTaken: true);
        }
    }

    private void SignalClosed(bool unlessTaken = false)
    {
        lock (_gate)
        {
            if (!(unlessTaken && _state == State.Taken) && !_closed.IsCancellationRequested)
            {
                _closedSignal = _closed.CancelAsync(); // runs its callbacks on the thread pool
            }
        }
    }

    private bool TryOwnClose() => Interlocked.Exchange(ref _socketClosed, 1) == 0;
}
