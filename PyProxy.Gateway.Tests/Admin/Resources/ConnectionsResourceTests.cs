using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin.Resources;

public sealed class ConnectionsResourceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tunnel_IsListedWithItsBytesAndCanBeCut()
    {
        using var origin = new TcpListener(IPAddress.Loopback, 0);
        origin.Start();
        await using var gateway = await GatewayServer.StartAsync(gateway: $$"""
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "{{((IPEndPoint)origin.LocalEndpoint).Port}}" ] }
            """);
        using var admin = new AdminClient(gateway);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, gateway.Port("Proxy"), Cancellation);
        var credentials = Convert.ToBase64String(Encoding.ASCII.GetBytes($"alice:{GatewayServer.Password}"));
        await client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"CONNECT {origin.LocalEndpoint} HTTP/1.1\r\nHost: {origin.LocalEndpoint}\r\nProxy-Authorization: Basic {credentials}\r\n\r\n12345"),
            Cancellation);
        using var accepted = await origin.AcceptTcpClientAsync(Cancellation);
        await accepted.GetStream().ReadExactlyAsync(new byte[5], Cancellation);

        var tunnel = await TunnelAsync(admin, origin);
        Assert.Equal(("alice", "127.0.0.1", 5L), ((string?)tunnel["user"], (string?)tunnel["client"], (long)tunnel["bytesIn"]!));
        Assert.Empty((await admin.GetAsync("/connections?user=bob"))["connections"]!.AsArray());

        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, $"/connections/{tunnel["id"]}")).Status);
        var buffer = new byte[1024];
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (await client.GetStream().ReadAsync(buffer, Cancellation).AsTask().WaitAsync(Patience, Cancellation) > 0)
            {
            }

            throw new EndOfStreamException();
        });
        await Poll.UntilAsync(async () => (await admin.GetAsync("/connections?tunnels=true"))["total"]!.GetValue<int>() == 0);
        await Poll.UntilAsync(async () => (await gateway.AccessLogAsync()).Contains("\"decided_by\":\"admin\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Request_CanBeCut()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/slow", async context =>
        {
            await context.Response.WriteAsync("begun", context.RequestAborted);
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
        }));
        await using var gateway = await GatewayServer.StartAsync(origin.Address);
        using var admin = new AdminClient(gateway);
        using var client = new HttpClient();
        using var response = await client.GetAsync(new Uri(gateway.Url("Web"), "/slow"), HttpCompletionOption.ResponseHeadersRead, Cancellation);

        var request = Assert.Single((await admin.GetAsync("/connections?role=reverse"))["connections"]!.AsArray())!;
        Assert.Equal("all", (string?)request["route"]);
        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, $"/connections/{request["id"]}")).Status);
        await Assert.ThrowsAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync(Cancellation).WaitAsync(Patience, Cancellation));
    }

    private static async Task<JsonNode> TunnelAsync(AdminClient admin, TcpListener origin)
    {
        JsonNode? tunnel = null;
        await Poll.UntilAsync(async () =>
        {
            tunnel = (await admin.GetAsync($"/connections?tunnels=true&target={origin.LocalEndpoint}"))["connections"]!.AsArray().FirstOrDefault();
            return tunnel is not null && (long)tunnel["bytesIn"]! == 5;
        });
        return tunnel!;
    }
}
