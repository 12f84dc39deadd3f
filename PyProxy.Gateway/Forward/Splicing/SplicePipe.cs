using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PyProxy.Gateway.Forward.Splicing;

/// <summary>
/// A pipe of the kernel through which splice(2) moves bytes from one socket to another without their ever being copied to us. Rented for as
/// long as bytes keep coming, empty when it is given back. What it saves: bench/tunnels.py, docs/performance.md.
/// </summary>
internal sealed class SplicePipe
{
    // An unprivileged process may have 64 MB in pipes before the kernel makes new ones tiny (pipe(7), pipe-user-pages-soft): 128 of these. A direction has one
    // only while it moves bytes.
    private const int WantedCapacity = 512 * 1024;

    // Below that a turn moves less than the buffered relay does.
    private const int LeastCapacity = 64 * 1024;

    private const int MaxIdle = 64; // two descriptors each

    private static readonly ConcurrentBag<SplicePipe> Idle = [];
    private static int _idleCount;
    private static volatile bool _isSupported = OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    private readonly SafeFileHandle _readEnd;
    private readonly SafeFileHandle _writeEnd;

    private SplicePipe(SafeFileHandle readEnd, SafeFileHandle writeEnd, int capacity)
    {
        _readEnd = readEnd;
        _writeEnd = writeEnd;
        Capacity = capacity;
    }

    /// <summary>Bytes that it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Bytes that are in it.</summary>
    public int Length { get; private set; }

    /// <summary>An empty pipe; <see langword="null"/> where the platform cannot splice, or has no descriptors or room left for one.</summary>
    public static SplicePipe? TryRent()
    {
        if (!_isSupported)
        {
            return null;
        }

        if (Idle.TryTake(out var pipe))
        {
            Interlocked.Decrement(ref _idleCount);
            return pipe;
        }

        return TryCreate();
    }

    /// <summary>Gives the pipe back. One that still holds bytes is closed, and they are gone.</summary>
    public void Return()
    {
        if (Length > 0 || Interlocked.Increment(ref _idleCount) > MaxIdle)
        {
            if (Length == 0)
            {
                Interlocked.Decrement(ref _idleCount);
            }

            _readEnd.Dispose();
            _writeEnd.Dispose();
            return;
        }

        Idle.Add(this);
    }

    /// <summary>Takes what the socket has, up to <paramref name="count"/> bytes. The pipe is empty before.</summary>
    /// <exception cref="SocketException">The connection has failed.</exception>
    public SpliceResult Fill(Socket from, int count)
    {
        Debug.Assert(Length == 0, "What is still in the pipe could be more than fits beside the next bytes.");
        var moved = Splice(from.SafeHandle, _writeEnd, Math.Min(count, Capacity), out var error);
        if (moved >= 0)
        {
            Length = moved;
            return moved == 0 ? SpliceResult.Ended : SpliceResult.Moved;
        }

        if (error is Libc.InvalidArgument or Libc.NoSuchCall)
        {
            _isSupported = false;
            return SpliceResult.Unsupported;
        }

        return error == Libc.WouldBlock ? SpliceResult.WouldBlock : throw Failure(error);
    }

    /// <summary>Hands what is in the pipe to the socket, as much as it takes; false where it takes no more at the moment.</summary>
    /// <exception cref="SocketException">The connection has failed.</exception>
    public bool TryDrain(Socket to)
    {
        while (Length > 0)
        {
            var moved = Splice(_readEnd, to.SafeHandle, Length, out var error);
            if (moved <= 0)
            {
                return error == Libc.WouldBlock ? false : throw Failure(error);
            }

            Length -= moved;
        }

        return true;
    }

    /// <summary>Takes bytes out of the pipe: for a socket that can only be waited for by sending to it.</summary>
    public unsafe int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            var count = (int)Libc.Read(_readEnd, start, Math.Min(buffer.Length, Length));
            if (count <= 0)
            {
                throw Failure(Marshal.GetLastPInvokeError());
            }

            Length -= count;
            return count;
        }
    }

    private static int Splice(SafeHandle from, SafeHandle to, int count, out int error)
    {
        while (true)
        {
            var moved = (int)Libc.Splice(from, 0, to, 0, count, Libc.Move);
            error = moved < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error != Libc.Interrupted)
            {
                return moved;
            }
        }
    }

    private static unsafe SplicePipe? TryCreate()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.NonBlocking | Libc.CloseOnExec) != 0)
        {
            return null; // no descriptors left: the buffered relay needs none
        }

        var readEnd = new SafeFileHandle(ends[0], ownsHandle: true);
        var writeEnd = new SafeFileHandle(ends[1], ownsHandle: true);
        var capacity = Libc.Control(writeEnd, Libc.SetPipeSize, WantedCapacity);
        if (capacity < 0)
        {
            capacity = Libc.Control(writeEnd, Libc.GetPipeSize, 0); // not ours to enlarge: as large as the kernel made it
        }

        if (capacity < LeastCapacity)
        {
            readEnd.Dispose();
            writeEnd.Dispose();
            return null;
        }

        return new SplicePipe(readEnd, writeEnd, capacity);
    }

    private static SocketException Failure(int error) => new(error switch
    {
        104 => (int)SocketError.ConnectionReset, // ECONNRESET
        32 => (int)SocketError.Shutdown,         // EPIPE
        110 => (int)SocketError.TimedOut,        // ETIMEDOUT
        _ => (int)SocketError.SocketError,
    });
}
