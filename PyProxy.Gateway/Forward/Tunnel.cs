using System.Buffers;
using System.Net.Sockets;
using PyProxy.Gateway.Forward.Splicing;
using PyProxy.Gateway.Listeners.Transport;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>
/// One tunnel while it runs. An idle one holds no buffer: each direction waits by a read of zero length and rents only when there is data. What
/// keeps coming between bare sockets moves inside the kernel.
/// </summary>
internal sealed class Tunnel : IDisposable
{
    private const int BufferSize = 64 * 1024; // a TLS record of 16 KB several times over
    private const int FlowBufferSize = 256 * 1024; // for what keeps coming: each write to an HTTP/2 stream waits until its frames have been written

    private const int Running = -1;

    // How long a client may go on sending to a destination that has answered and closed, and how long what a client has left behind may take
    // to get to the destination; nginx's lingering_timeout is the same.
    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(5);

    private readonly ITunnelLeg _client;
    private readonly ITunnelLeg _destination;
    private readonly Stream _clientStream;
    private readonly Stream _destinationStream;
    private readonly Exchange _exchange;
    private readonly TimeProvider _time;
    private readonly TimeSpan _idleTimeout;
    private readonly TimeSpan _lifetime;
    private readonly long _started;
    private readonly CancellationTokenSource _cut = new();
    private readonly Lock _cutLock = new();

    private ITimer? _timer;
    private long _lastMoved;
    private long _lingerStarted;
    private TunnelEnd _lingerEnd;
    private volatile bool _lingers;
    private volatile bool _clientEnded;
    private volatile bool _destinationEnded;
    private int _end = Running;
    private bool _disposed;

    public Tunnel(ITunnelLeg client, ITunnelLeg destination, Exchange exchange, TimeProvider time, TunnelOptions options)
    {
        _client = client;
        _destination = destination;

        // Both before either end is shut down: a NetworkStream cannot be made of a socket that no longer sends.
        _clientStream = client.Stream;
        _destinationStream = destination.Stream;
        _exchange = exchange;
        _time = time;
        _idleTimeout = options.IdleTimeout;
        _lifetime = options.Lifetime;
        _started = _lastMoved = time.GetTimestamp();
    }

    /// <summary>One timer for all limits; a byte that moves costs it nothing, it looks at the clock when it is due.</summary>
    public ITimer StartTimer()
    {
        _timer = _time.CreateTimer(
            static state => ((Tunnel)state!).CheckLimits(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        CheckLimits();
        return _timer;
    }

    /// <summary>What ended the tunnel, once it has ended.</summary>
    public TunnelEnd End => Volatile.Read(ref _end) is var end && end == Running ? TunnelEnd.Completed : (TunnelEnd)end;

    // Neither throws: what happens to one direction ends the other or lets it finish, so both are always waited for.
    public Task RunAsync() => Task.WhenAll(CopyAsync(fromClient: true), CopyAsync(fromClient: false));

    /// <summary>Ends both directions at once; only the first reason counts.</summary>
    public void Cut(TunnelEnd reason)
    {
        if (Interlocked.CompareExchange(ref _end, (int)reason, Running) == Running)
        {
            _client.Abort();
            _destination.Abort();

            // For legs whose pending reads outlive an abort. Where they did not, the tunnel may be over before this line.
            lock (_cutLock)
            {
                if (!_disposed)
                {
                    _cut.Cancel();
                }
            }
        }
    }

    /// <summary>
    /// The client's end is known to be dead. What it sent before may still be on its way to the destination, its end too: a reset would lose
    /// them. What cannot end by itself is ended soon.
    /// </summary>
    public void ClientGone() => Linger(TunnelEnd.ClientReset);

    /// <summary>Bytes have reached the other end.</summary>
    public void Passed(bool fromClient, int count)
    {
        Volatile.Write(ref _lastMoved, _time.GetTimestamp());
        if (fromClient)
        {
            _exchange.AddBytesIn(count);
        }
        else
        {
            _exchange.AddBytesOut(count);
        }
    }

    public void Dispose()
    {
        lock (_cutLock)
        {
            _disposed = true;
            _cut.Dispose();
        }
    }

    private async Task CopyAsync(bool fromClient)
    {
        var to = fromClient ? _destination : _client;
        try
        {
            if (!await PumpAsync(fromClient))
            {
                return; // nobody is left to be told of the end
            }
        }
        catch (Exception)
        {
            Cut(fromClient ? TunnelEnd.ClientReset : TunnelEnd.DestinationReset); // does nothing where a cut made the read fail
            return;
        }

        // The end of one direction; the other goes on.
        MarkEnded(fromClient);
        try
        {
            await to.ShutdownSendAsync(_cut.Token);
        }
        catch (Exception)
        {
            if (!(_clientEnded && _destinationEnded)) // where both have said all, there was nothing left to lose
            {
                Cut(fromClient ? TunnelEnd.DestinationReset : TunnelEnd.ClientReset);
            }
        }
    }

    /// <summary>Moves bytes until there are no more. Throws what reading throws; false where they could not be written.</summary>
    private async ValueTask<bool> PumpAsync(bool fromClient)
    {
        var (from, to) = fromClient ? (_clientStream, _destinationStream) : (_destinationStream, PrefixedStream.WriteSide(_clientStream));
        var direction = fromClient ? TransferDirection.Up : TransferDirection.Down;
        var limiter = _exchange.Transfers;
        var buffer = Array.Empty<byte>();
        var room = int.MaxValue;
        var writable = true;
        var flows = false; // below a bufferful at a time, copying is as cheap as splicing
        try
        {
            while (true)
            {
                // 1. Wait for data without a buffer.
                if (buffer.Length == 0)
                {
#pragma warning disable CA2022 // There is nothing inexact about reading nothing.
                    _ = await from.ReadAsync(Memory<byte>.Empty, _cut.Token);
#pragma warning restore CA2022
                    if (limiter is not null)
                    {
                        room = await limiter.ReserveAsync(direction, _cut.Token);
                    }

                    // 2. Where it keeps coming and nothing stands between the sockets, it need not be copied.
                    from = PrefixedStream.ReadSide(from);
                    if (flows && writable && from is NetworkStream source && to is NetworkStream sink)
                    {
                        var (result, taken) = await SpliceTurn.RunAsync(this, fromClient, source, sink, room, _cut.Token);
                        limiter?.Moved(direction, taken);
                        if (result == SpliceResult.Ended)
                        {
                            return true;
                        }

                        writable = result != SpliceResult.Unwritable;
                        if (!writable && !TryLinger(fromClient))
                        {
                            return false;
                        }

                        flows = result != SpliceResult.Unsupported;
                        continue;
                    }

                    buffer = ArrayPool<byte>.Shared.Rent(flows ? FlowBufferSize : BufferSize);
                }

                // 3. Read what there is.
                var count = await from.ReadAsync(buffer.AsMemory(0, Math.Min(room, buffer.Length)), _cut.Token);
                limiter?.Moved(direction, count);
                if (count == 0)
                {
                    return writable;
                }

                // 4. Pass it on.
                Volatile.Write(ref _lastMoved, _time.GetTimestamp());
                if (writable && !await TryWriteAsync(to, buffer.AsMemory(0, count), fromClient))
                {
                    writable = false;
                    if (!TryLinger(fromClient))
                    {
                        return false;
                    }
                }

                // 5. A buffer that was not filled has taken all that was pending, and one that was filled is no longer needed where bytes can be spliced.
                flows = count >= BufferSize;
                if (!flows || limiter is not null || from is NetworkStream || buffer.Length < FlowBufferSize)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = [];
                }
            }
        }
        finally
        {
            if (buffer.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private async ValueTask<bool> TryWriteAsync(Stream to, ReadOnlyMemory<byte> bytes, bool fromClient)
    {
        try
        {
            await to.WriteAsync(bytes, _cut.Token);
        }
        catch (Exception)
        {
            return false;
        }

        Passed(fromClient, bytes.Length);
        return true;
    }

    /// <summary>
    /// After a write that failed: whether the rest of what the client sends is to be read and dropped, because the destination has answered to
    /// the end and closed. To end the client's connection with bytes unread would be a reset, and the answer might be lost to it. Otherwise
    /// the tunnel is cut.
    /// </summary>
    private bool TryLinger(bool fromClient)
    {
        if (!fromClient || !_destinationEnded || Volatile.Read(ref _end) != Running)
        {
            Cut(fromClient ? TunnelEnd.DestinationReset : TunnelEnd.ClientReset);
            return false;
        }

        Linger(TunnelEnd.DestinationReset);
        return true;
    }

    private void Linger(TunnelEnd end)
    {
        _lingerStarted = _time.GetTimestamp();
        _lingerEnd = end;
        _lingers = true;
        CheckLimits();
    }

    private void MarkEnded(bool fromClient)
    {
        if (fromClient)
        {
            _clientEnded = true;
        }
        else
        {
            _destinationEnded = true;
        }
    }

    private void CheckLimits()
    {
        var now = _time.GetTimestamp();
        var left = TimeSpan.MaxValue;
        var reason = TunnelEnd.Completed;
        Consider(_idleTimeout, Volatile.Read(ref _lastMoved), TunnelEnd.Idle);
        Consider(_lifetime, _started, TunnelEnd.Lifetime);
        if (_lingers)
        {
            Consider(LingerTimeout, _lingerStarted, _lingerEnd);
        }

        if (left <= TimeSpan.Zero)
        {
            Cut(reason);
        }
        else if (left != TimeSpan.MaxValue)
        {
            // Rounded up: the timer counts whole milliseconds, and one that is due too early would spin.
            _timer?.Change(left + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }

        void Consider(TimeSpan limit, long since, TunnelEnd end)
        {
            if (limit > TimeSpan.Zero && limit - _time.GetElapsedTime(since, now) is var rest && rest < left)
            {
                (left, reason) = (rest, end);
            }
        }
    }
}
