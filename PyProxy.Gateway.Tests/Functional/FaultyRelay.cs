using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

internal enum RelayFault
{
    None = 0,
    Refused,
    BlackHoled,
    ResetInHead,
    ResetInBody,
    OneByteAtATime,
    HalfClosed,
    Corrupt,
}

/// <summary>
/// Stands between gateway and origin and does what networks and servers do on bad days. A change of the fault cuts the connections that are open, so
/// that none is left from better days. bench/resilience has its like for long runs.
/// </summary>
internal sealed class FaultyRelay : IAsyncDisposable
{
    private static readonly TimeSpan BetweenBytes = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, Task> _open = new();
    private readonly IPEndPoint _origin;
    private readonly ReservedPort _port = new();
    private TcpListener _listener;
    private Task _accepting;
    private volatile RelayFault _fault;

    public FaultyRelay(Uri origin)
    {
        _origin = new IPEndPoint(IPAddress.Loopback, origin.Port);
        (_listener, _accepting) = Listen();
    }

    public Uri Address => _port.Url;

    public async Task BecomeAsync(RelayFault fault)
    {
        var was = _fault;
        _fault = fault;
        if (fault == RelayFault.Refused)
        {
            _listener.Dispose();
            await _accepting;
        }
        else if (was == RelayFault.Refused)
        {
            (_listener, _accepting) = Listen();
        }

        await CutAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await CutAsync();
        _port.Dispose();
        _stop.Dispose();
    }

    private async Task CutAsync()
    {
        foreach (var (socket, serving) in _open)
        {
            socket.Dispose();
            await serving;
        }
    }

    private (TcpListener Listener, Task Accepting) Listen()
    {
        var listener = _port.Listen();
        return (listener, AcceptAsync(listener));
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(_stop.Token);
                _open[socket] = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Nobody listens any more.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        await Task.Yield(); // it is in the table before it can leave it
        using var origin = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            var request = await ReadHeadAsync(client);
            await (_fault switch
            {
                RelayFault.BlackHoled => ReadHeadAsync(client),
                RelayFault.HalfClosed => HalfCloseAsync(client),
                RelayFault.Corrupt => client.SendAsync("\u0016\u0003\u0001 200 GARBAGE\r\n:::\r\n\r\n"u8.ToArray(), _stop.Token).AsTask(),
                _ => AnswerAsync(client, origin, request),
            });
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // One of the two has had enough.
        }
        finally
        {
            client.Dispose();
            _open.TryRemove(client, out _);
        }
    }

    // One exchange for each connection: what the origin says until it closes.
    private async Task AnswerAsync(Socket client, Socket origin, string request)
    {
        await origin.ConnectAsync(_origin, _stop.Token);
        await origin.SendAsync(Encoding.Latin1.GetBytes(request.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal)), _stop.Token);
        var answer = new MemoryStream();
        var buffer = new byte[8192];
        for (int count; (count = await origin.ReceiveAsync(buffer, _stop.Token)) > 0;)
        {
            answer.Write(buffer, 0, count);
        }

        var bytes = answer.ToArray();
        switch (_fault)
        {
            case RelayFault.ResetInHead:
                await ResetAfterAsync(client, bytes.AsMemory(0, 12));
                break;
            case RelayFault.ResetInBody:
                await ResetAfterAsync(client, bytes.AsMemory(0, bytes.Length - 10));
                break;
            case RelayFault.OneByteAtATime:
                for (var i = 0; i < bytes.Length; i++)
                {
                    await client.SendAsync(bytes.AsMemory(i, 1), _stop.Token);
                    await Task.Delay(BetweenBytes, _stop.Token);
                }

                break;
            default:
                await client.SendAsync(bytes, _stop.Token);
                client.Shutdown(SocketShutdown.Send);
                break;
        }
    }

    private async Task HalfCloseAsync(Socket client)
    {
        client.Shutdown(SocketShutdown.Send);
        await ReadHeadAsync(client);
    }

    private async Task ResetAfterAsync(Socket client, ReadOnlyMemory<byte> bytes)
    {
        await client.SendAsync(bytes, _stop.Token);
        client.LingerState = new LingerOption(enable: true, seconds: 0);
    }

    private async Task<string> ReadHeadAsync(Socket client)
    {
        var head = new StringBuilder();
        var buffer = new byte[8192];
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await client.ReceiveAsync(buffer, _stop.Token);
            if (count == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            head.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return head.ToString();
    }
}
