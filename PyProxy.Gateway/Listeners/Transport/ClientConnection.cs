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
    IConnectionItemsFeature, IMemoryPoolFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionSocketFeature
{
    /// <summary>Received and unread bytes at which receiving pauses; the default of Kestrel's own transport.</summary>
    private const long PauseThreshold = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly TimeProvider _timeProvider;
    private readonly CancellationToken _serverStopped;
    private readonly CancellationTokenSource _closed = new();
    private readonly Pipe _input;
    private readonly SocketPipeWriter _output;
    private readonly SocketReceiver _receiver;
    private Task _receiving = Task.CompletedTask;
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

        // The reader goes on elsewhere: a handler that blocks, or takes the connection over, must not stand on the receiver's stack.
        _input = new Pipe(new PipeOptions(
            pool, PipeScheduler.ThreadPool, PipeScheduler.ThreadPool, PauseThreshold, PauseThreshold / 2, useSynchronizationContext: false));
        _output = new SocketPipeWriter(socket, pool);
        _receiver = new SocketReceiver(socket, _input.Writer);
        Transport = new AdaptedTransport(_input.Reader, _output);
        Features = CreateFeatures();
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

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public void Start() => _receiving = ReceiveAsync();

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
        try
        {
            // 2. Nobody else reads the socket.
            _receiver.Stop();
            await _receiving;
            var received = await TakeReceivedAsync();

            // 3. The answer goes behind everything that was written before; afterwards the HTTP layer's words are dropped.
            var result = await _output.WriteAsync(greeting, ct);
            if (result.IsCompleted)
            {
                throw new ConnectionResetException("The client left before its tunnel stood.");
            }

            _output.Detach();
            return new SocketTunnelLeg(this, PrefixedStream.Create(received, new NetworkStream(Socket, ownsSocket: false)));
        }
        catch
        {
            ResetTunnel();
            throw;
        }
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
        // 1. Everything written is sent.
        await _output.CompleteAsync();

        // 2. The receiver stops, and gives its buffers back.
        await _input.Reader.CompleteAsync();
        _receiver.Stop();
        await _receiving;

        // 3. The socket closes, unless an abort or a tunnel has closed it.
        await CloseTunnelAsync();

        // 4. Whoever waits for the end is told.
        SignalClosed();
        await _closedSignal;
        _closed.Dispose();
        _receiver.Dispose();
        Socket.Dispose();
        await base.DisposeAsync();
    }

    private FeatureCollection CreateFeatures()
    {
        var features = new FeatureCollection(16);
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IMemoryPoolFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        features.Set<IConnectionSocketFeature>(this);
        features.Set<IConnectionTakeover>(this);
        features.Set<ITunnelFeature>(new HttpTunnelFeature(features));
        return features;
    }

    private async Task ReceiveAsync()
    {
        await _receiver.RunAsync();
        SignalClosed(unlessTaken: true);
    }

    private async ValueTask<byte[]> TakeReceivedAsync()
    {
        // The pipe is complete, so this does not wait. A read that Kestrel has cancelled (the server stops) is no read.
        ReadResult read;
        while ((read = await _input.Reader.ReadAsync(CancellationToken.None)).IsCanceled)
        {
            _input.Reader.AdvanceTo(read.Buffer.Start);
        }

        // Copied, so that the HTTP layer, which reads again when its request ends, finds an end and nothing to take for a request.
        var received = read.Buffer.ToArray();
        _input.Reader.AdvanceTo(read.Buffer.End);
        return received;
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
