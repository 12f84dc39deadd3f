using System.Text.Json;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A tunnel that is not given: status, <c>Proxy-Status</c>, the setting to change, and the same decision in answer and access log.</summary>
public sealed class ConnectRefusalTests
{
    private const string Loopback = """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """;
    private const string LoopbackWithDefaultPorts = """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ] } """;

    [Fact]
    public async Task OtherPort_NamesTheSetting()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: LoopbackWithDefaultPorts);

        var body = await AssertRefusedAsync(gateway, "127.0.0.1:25", 403, "http_request_denied");

        Assert.Equal("Gateway:Egress:ConnectPorts", body.GetProperty("setting").GetString());
    }

    [Fact]
    public async Task PrivateAddress_NamesTheSetting()
    {
        await using var gateway = await GatewayServer.StartAsync();

        var body = await AssertRefusedAsync(gateway, "127.0.0.1:443", 403, "destination_ip_prohibited");

        Assert.Equal("Gateway:Egress:AllowedAddresses", body.GetProperty("setting").GetString());
    }

    [Fact]
    public async Task NobodyListens_Is502()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: Loopback);
        using var nobody = new ReservedPort();

        await AssertRefusedAsync(gateway, nobody.Authority, 502, "connection_refused");
    }

    [Fact]
    public async Task UnknownName_Is502()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: Loopback);

        await AssertRefusedAsync(gateway, "no-such-host.invalid:443", 502, "dns_error");
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:65536")]
    [InlineData(":443")]
    [InlineData("http://127.0.0.1:443/")]
    [InlineData("user@127.0.0.1:443")]
    public async Task BadTarget_Is400(string target)
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: Loopback);
        using var client = await RawClient.ConnectAsync(gateway.Port("Open"));
        await client.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: example.org\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> AssertRefusedAsync(GatewayServer gateway, string target, int status, string token)
    {
        using var client = await RawClient.ConnectAsync(gateway.Port("Open"));
        await client.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        var (head, text) = await client.ReadAnswerAsync();
        client.Dispose();
        await gateway.StopAsync(); // writes what the access log still holds

        var body = JsonSerializer.Deserialize<JsonElement>(text);
        var record = JsonSerializer.Deserialize<JsonElement>(Assert.Single((await gateway.AccessLogAsync()).TrimEnd().Split('\n')));
        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Contains($"; error={token}; details=", head, StringComparison.Ordinal);
        Assert.Equal(body.GetProperty("decision").GetString(), record.GetProperty("id").GetString());
        Assert.Equal(status, record.GetProperty("status").GetInt32());
        Assert.Equal(token, record.GetProperty("error").GetString());
        return body;
    }
}
