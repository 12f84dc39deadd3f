using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>
/// An origin that answers each connection with the same bytes, well formed or not, and then closes it: properly, or by a reset.
/// </summary>
internal sealed class RawOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _answer;
    private readonly bool _reset;
    private readonly Task _serving;

    public RawOrigin(string answer, bool reset = false)
        : this(Encoding.Latin1.GetBytes(answer), reset)
    {
    }

    public RawOrigin(byte[] answer, bool reset = false)
    {
        _answer = answer;
        _reset = reset;
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}/");

    /// <summary>Heads of requests, byte for byte.</summary>
    public ConcurrentQueue<string> Heads { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var socket = await _listener.AcceptSocketAsync(_stop.Token);
                await AnswerAsync(socket);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        var head = new StringBuilder();
        var buffer = new byte[8192];
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await socket.ReceiveAsync(buffer, _stop.Token);
            if (count == 0)
            {
                return;
            }

            head.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        Heads.Enqueue(head.ToString());
        await socket.SendAsync(_answer, _stop.Token);
        if (_reset)
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            return;
        }

        // A close with unread data would be a reset as well: the peer's end is awaited.
        socket.Shutdown(SocketShutdown.Send);
        while (await socket.ReceiveAsync(buffer, _stop.Token) > 0)
        {
        }
    }
}
