using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>An HTTP/1.1 client that sends what a test wants, byte for byte, and reads no further than it is asked to.</summary>
internal sealed class RawClient : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly NetworkStream _stream;

    private RawClient(Socket socket)
    {
        Socket = socket;
        _stream = new NetworkStream(socket);
    }

    public Socket Socket { get; }

    /// <param name="port">On loopback.</param>
    /// <param name="receiveBuffer">Size of the kernel's buffer: what it cannot take waits at the sender.</param>
    public static async Task<RawClient> ConnectAsync(int port, int? receiveBuffer = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.ReceiveBufferSize = receiveBuffer ?? socket.ReceiveBufferSize;
        await socket.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        return new RawClient(socket);
    }

    /// <summary>Takes a connection that a listener of the test's accepts.</summary>
    public static async Task<RawClient> AcceptAsync(TcpListener listener)
        => new(await listener.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience));

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
        => await _stream.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

    public void ShutdownSend() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>A response's head up to its empty line, and nothing behind it.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append(await ReadAsync(1));
        }

        return head.ToString();
    }

    /// <summary>A response with <c>Content-Length</c>.</summary>
    public async Task<(string Head, string Body)> ReadAnswerAsync()
    {
        var head = await ReadHeadAsync();
        var length = head.Split("\r\n").First(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return (head, await ReadAsync(int.Parse(length.AsSpan("Content-Length:".Length), provider: null)));
    }

    public async Task<string> ReadAsync(int count)
    {
        var buffer = new byte[count];
        await _stream.ReadExactlyAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
        return Encoding.Latin1.GetString(buffer);
    }

    public async Task<byte[]> ReadToEndAsync()
    {
        using var received = new MemoryStream();
        await _stream.CopyToAsync(received, TestContext.Current.CancellationToken).WaitAsync(Patience);
        return received.ToArray();
    }

    public void Dispose()
    {
        _stream.Dispose();
        Socket.Dispose();
    }
}
