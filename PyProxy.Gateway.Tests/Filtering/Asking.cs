using System.Net;
using System.Text;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Filtering;

/// <summary>What came of a question: the status (SOCKS: 200 or the refusal that the reply code stands for) and the head.</summary>
internal sealed record Answer(int Status, string Head, string Body);

/// <summary>Asks a running gateway for a host, through each of its ways in, byte for byte.</summary>
internal static class Asking
{
    public static readonly string[] EveryWay = ["forward", "connect", "connect-h2", "socks", "reverse"];

    /// <param name="gateway">The gateway.</param>
    /// <param name="way">One of <see cref="EveryWay"/>.</param>
    /// <param name="host">Host and port asked for.</param>
    /// <param name="path">Path and query, where the way has one.</param>
    /// <param name="method">The method, where the way leaves a choice.</param>
    /// <param name="fields">Further lines of the head, each ending with CRLF.</param>
    /// <param name="body">The body, where the way has one.</param>
    public static async Task<Answer> AskAsync(
        this GatewayServer gateway, string way, string host, string path = "/", string method = "GET", string fields = "", string? body = null)
    {
        var credentials = "Proxy-Authorization: Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"alice:{GatewayServer.Password}")) + "\r\n";
        if (way == "connect-h2")
        {
            var (status, text) = await RawHttp2Connect.AskAsync(gateway.Port(EndpointOf(way)), host, credentials + fields);
            return new Answer(status, "", text);
        }

        using var client = await RawClient.ConnectAsync(gateway.Port(EndpointOf(way)));
        var length = body is null ? "" : FormattableString.Invariant($"Content-Length: {body.Length}\r\n");
        switch (way)
        {
            case "socks":
                return await SocksAsync(client, host);
            case "connect":
                await client.SendAsync($"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{credentials}{fields}\r\n");
                break;
            case "forward":
                await client.SendAsync($"{method} http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n{credentials}{fields}{length}Connection: close\r\n\r\n{body}");
                break;
            default:
                await client.SendAsync($"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}{length}Connection: close\r\n\r\n{body}");
                break;
        }

        return await ReadAsync(client, way);
    }

    /// <summary>The endpoint by which a way leads in.</summary>
    public static string EndpointOf(string way) => way switch { "socks" => "Socks", "reverse" => "Web", "connect-h2" => "H2c", _ => "Proxy" };

    private static async Task<Answer> ReadAsync(RawClient client, string way)
    {
        string head;
        try
        {
            head = await client.ReadHeadAsync();
        }
        catch (IOException) // closed or reset without an answer
        {
            return new Answer(0, "", "");
        }

        var status = int.Parse(head.AsSpan(9, 3), provider: null);
        if (status == 200 && way == "connect")
        {
            return new Answer(status, head, ""); // a tunnel
        }

        var length = head.Split("\r\n").FirstOrDefault(static line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return new Answer(status, head, length is null
            ? Encoding.UTF8.GetString(await client.ReadToEndAsync())
            : await client.ReadAsync(int.Parse(length.AsSpan("Content-Length:".Length), provider: null)));
    }

    private static async Task<Answer> SocksAsync(RawClient client, string target)
    {
        var colon = target.LastIndexOf(':');
        var host = target[..colon];
        var port = int.Parse(target.AsSpan(colon + 1), provider: null);
        await client.SendAsync(new byte[] { 5, 1, 2 });
        await client.ReadAsync(2);
        await client.SendAsync((byte[])[1, 5, .. "alice"u8, (byte)GatewayServer.Password.Length, .. Encoding.ASCII.GetBytes(GatewayServer.Password)]);
        await client.ReadAsync(2);
        byte[] address = IPAddress.TryParse(host, out var literal) ? [1, .. literal.GetAddressBytes()] : [3, (byte)host.Length, .. Encoding.ASCII.GetBytes(host)];
        await client.SendAsync((byte[])[5, 1, 0, .. address, (byte)(port >> 8), (byte)port]);
        try
        {
            var reply = await client.ReadAsync(2);
            return new Answer(reply[1] switch { '\0' => 200, '\x02' => 403, _ => 502 }, "", "");
        }
        catch (IOException)
        {
            return new Answer(0, "", "");
        }
    }
}
