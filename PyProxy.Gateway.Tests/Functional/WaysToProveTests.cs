using System.Net;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Every way to prove who one is, through the whole gateway: real certificates, a real key set, real clients.</summary>
public sealed class WaysToProveTests : WaysToProve
{
    [Fact]
    public async Task OneUser_IsTheSameOnEveryWayIn()
    {
        var target = new Uri(Origin.Address, "/echo").ToString();
        string[] user = ["--proxy-user", $"alice:{GatewayServer.Password}", "-o", "/dev/null"];
        Assert.Equal(0, (await Curl.RunAsync(["--proxy", Gateway.Url("Proxy").ToString(), .. user, target])).ExitCode);
        Assert.Equal(0, (await Curl.RunAsync(["--proxy", Gateway.Url("Proxy").ToString(), "--proxytunnel", .. user, target])).ExitCode);
        Assert.Equal(0, (await Curl.RunAsync(["--socks5-hostname", Gateway.Url("Socks").Authority, .. user, target])).ExitCode);
        Assert.Equal("200", await ConnectOverHttp2Async());
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", Password)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + Token())));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/keyed/x", ("X-Partner", Key)));
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("Proxy", ("Proxy-Authorization", "Bearer " + Token())));
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("Proxy", ("X-Api-Key", Key)));
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("ByAddress"));
        Assert.Equal(HttpStatusCode.OK, await ForwardOverTlsAsync(ClientCertificate));

        var records = await RecordsAsync();
        Assert.Equal(
            [
                "forward Basic", "connect Basic", "socks Socks5", "connect Basic", "reverse Basic", "reverse Bearer", "reverse ApiKey",
                "forward Bearer", "forward ApiKey", "forward ClientAddress", "forward ClientCertificate",
            ],
            records.Select(record => $"{record.GetProperty("way_in").GetString()} {record.GetProperty("auth_scheme").GetString()}"));
        Assert.All(records, record => Assert.Equal("alice", record.GetProperty("user").GetString()));
        Assert.DoesNotContain(Key, await Gateway.AccessLogAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CredentialsForTheGateway_NeverReachTheOrigin()
    {
        var wrong = Basic("alice:wrong");
        await ForwardAsync("Proxy", ("Proxy-Authorization", Password), ("Authorization", "Bearer for-the-origin"));
        Assert.Equal("Bearer for-the-origin", Origin.LastRequest["Authorization"]);
        await ForwardAsync("Open", ("Proxy-Authorization", Password));
        await ForwardAsync("ByAddress");
        await AskAsync("Web", "/open", ("Proxy-Authorization", wrong), ("Authorization", wrong));
        Assert.Equal(wrong, Origin.LastRequest["Authorization"]); // nobody asked for it: it is the origin's
        await AskAsync("Web", "/staff/x", ("Authorization", Password), ("Proxy-Authorization", wrong));
        Assert.Null(Origin.LastRequest["Authorization"]);
        await AskAsync("Web", "/passing/x", ("Authorization", Password), ("Proxy-Authorization", wrong));
        Assert.Equal(Password, Origin.LastRequest["Authorization"]);
        await AskAsync("Web", "/keyed/x", ("X-Partner", Key), ("Authorization", wrong));
        Assert.Null(Origin.LastRequest["X-Partner"]);
        await AskAsync("Web", $"/keyed/x?a=1&key={Key}&b=%2f");
        Assert.Equal("/keyed/x?a=1&b=%2f", Origin.LastRequest.Target);

        Assert.Equal(8, Origin.Requests.Count);
        Assert.All(Origin.Requests, request => Assert.Null(request["Proxy-Authorization"]));
        await Gateway.StopAsync();
        var log = await Gateway.AccessLogAsync();
        Assert.Contains("\"auth_scheme\":\"ApiKey\"", log, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/default/x", null, HttpStatusCode.Unauthorized)]
    [InlineData("/default/x", "right", HttpStatusCode.OK)]
    [InlineData("/anonymous/x", null, HttpStatusCode.OK)]
    [InlineData("/anonymous/x", "wrong", HttpStatusCode.OK)]
    public async Task YarpsOwnPolicyNames_MeanWhatYarpSays(string path, string? credentials, HttpStatusCode expected)
        => Assert.Equal(expected, credentials is null
            ? await AskAsync("Web", path)
            : await AskAsync("Web", path, ("Authorization", credentials == "right" ? Password : Basic("alice:wrong"))));

    [Theory]
    [InlineData("/keyed/x", "Authorization", null, HttpStatusCode.Unauthorized)]       // right, but not by the route's scheme
    [InlineData("/keyed/x", "X-Api-Key", null, HttpStatusCode.Unauthorized)]           // a key in another route's field
    [InlineData("/staff/x", "X-Api-Key", null, HttpStatusCode.OK)]
    [InlineData("/staff/x?key=", "X-Unused", null, HttpStatusCode.Unauthorized)]       // no keys in this route's query
    public async Task Schemes_AreTheRoutesOwn(string path, string field, string? value, HttpStatusCode expected)
    {
        value ??= field == "Authorization" ? Password : Key;
        Assert.Equal(expected, await AskAsync("Web", path.EndsWith('=') ? path + Key : path, (field, value)));
    }

    [Fact]
    public async Task Schemes_AreTheEndpointsOwn()
    {
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("ByAddress"));
        Assert.Equal(HttpStatusCode.Forbidden, await ForwardAsync("ByAddress", ("Proxy-Authorization", Password)));
        var (exit, _) = await Curl.RunAsync("--socks5-hostname", Gateway.Url("SocksByAddress").Authority, "-o", "/dev/null", Origin.Address.ToString());
        Assert.Equal(0, exit);
        Assert.Equal(["ClientAddress", "ClientAddress"], (await RecordsAsync()).Where(r => r.TryGetProperty("user", out _)).Select(r => r.GetProperty("auth_scheme").GetString()));
    }

    [Fact]
    public async Task Certificate_OfAStranger_IsNobodys()
    {
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardOverTlsAsync(StrangersCertificate));
        Assert.Equal(HttpStatusCode.OK, await ForwardOverTlsAsync(StrangersCertificate, ("Proxy-Authorization", Password)));
    }
}
