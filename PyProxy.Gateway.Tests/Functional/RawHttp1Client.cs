using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>One connection on which a test sees the bytes that a real client would hide.</summary>
internal sealed class RawHttp1Client : IDisposable
{
    private readonly TcpClient _client = new();

    private RawHttp1Client()
    {
    }

    public static async Task<RawHttp1Client> ConnectAsync(int port)
    {
        var client = new RawHttp1Client();
        await client._client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        return client;
    }

    /// <returns>The answer's head; its body stays unread.</returns>
    public async Task<string> AskAsync(string head)
    {
        var stream = _client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head), TestContext.Current.CancellationToken);
        var answer = new StringBuilder();
        var buffer = new byte[1];
        while (!answer.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(buffer, TestContext.Current.CancellationToken);
            answer.Append((char)buffer[0]);
        }

        return answer.ToString();
    }

    /// <summary>Reads to the peer's end, a reset included.</summary>
    public async Task<string> RestAsync()
    {
        var rest = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            int count;
            while ((count = await _client.GetStream().ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0)
            {
                rest.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // An end as well.
        }

        return rest.ToString();
    }

    public void Dispose() => _client.Dispose();
}
