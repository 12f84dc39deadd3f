using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A gateway behind upstream proxies: one that is a gateway itself, and ones that answer what a test wants.</summary>
public sealed class UpstreamProxiesTests(UpstreamProxiesTests.ParentGateway shared) : IAsyncLifetime, IClassFixture<UpstreamProxiesTests.ParentGateway>
{
    private const string Open = """ "AllowedAddresses": [ "127.0.0.0/8", "198.51.100.0/24" ], "ConnectPorts": [ "*" ] """;

    private static readonly string[] Requests =
    [
        "CONNECT named.example:443 HTTP/1.1\r\nHost: named.example:443\r\n\r\n",
        "GET http://named.example/ HTTP/1.1\r\nHost: named.example\r\n\r\n",
    ];

    private OriginServer _origin = null!;

    public async ValueTask InitializeAsync() => _origin = await OriginServer.StartAsync(
        endpoints: app => app.MapGet("/from/{**rest}", (HttpContext context) => context.Connection.RemoteIpAddress!.ToString()));

    public ValueTask DisposeAsync() => _origin.DisposeAsync();

    [Theory]
    [InlineData("http", "Proxy")]
    [InlineData("https", "Secure")]
    [InlineData("socks5", "Socks")]
    public async Task EveryWayIn_GoesThroughTheUpstreamProxy(string scheme, string endpoint)
    {
        var parent = shared.Gateway;
        var authorities = Path.Combine(Path.GetDirectoryName(parent.ConfigurationPath)!, "server.pem");
        await using var gateway = await StartAsync($$"""
            "Proxies": { "parent": { "Address": "{{scheme}}://{{(scheme == "https" ? "localhost" : "127.0.0.1")}}:{{parent.Port(endpoint)}}", "User": "alice", "Password": "{{GatewayServer.Password}}" } },
            "AuthoritiesFile": "{{authorities}}"
            """);

        var absolute = await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), _origin.Address.ToString());
        var tunnel = await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), "--proxytunnel", _origin.Address.ToString());
        var socks = await Curl.RunAsync("--socks5-hostname", $"127.0.0.1:{gateway.Port("Socks")}", "--proxy-user", $"alice:{GatewayServer.Password}", _origin.Address.ToString());

        Assert.Equal(((0, _origin.Name), (0, _origin.Name), (0, _origin.Name)), (absolute, tunnel, socks));
        await gateway.StopAsync();
        var own = await gateway.AccessLogAsync();
        await gateway.DisposeAsync(); // closes the connections that are kept, which are tunnels to the parent
        await Poll.UntilAsync(async () => (await parent.AccessLogAsync()).Split('\n').Count(line => line.Contains(_origin.Address.Authority, StringComparison.Ordinal)) == 3);
        Assert.Equal(3, own.Split("\"destination\":\"pool/parent\"").Length - 1);
        Assert.All(_origin.Requests, request => Assert.Null(request["Proxy-Authorization"]));
    }

    [Fact]
    public async Task ParentThatIsTrustedToResolve_GetsTheName_InAbsoluteForm()
    {
        await using var parent = new RawOrigin("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nProxy-Authenticate: Basic realm=\"inner\"\r\n\r\nok");
        await using var gateway = await StartAsync(
            $$""" "Proxies": { "parent": { "Address": "{{parent.Address}}", "User": "gw", "Password": "s3cret", "TrustedToResolve": true } } """);
        var own = Convert.ToBase64String(Encoding.ASCII.GetBytes($"alice:{GatewayServer.Password}"));
        using var client = await RawClient.ConnectAsync(gateway.Port("Proxy"));

        await client.SendAsync($"GET http://there-is-no.example/x?y HTTP/1.1\r\nHost: there-is-no.example\r\nProxy-Authorization: Basic {own}\r\n\r\n");
        var (head, body) = await client.ReadAnswerAsync();

        Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
        Assert.Equal("ok", body);
        Assert.DoesNotContain("inner", head, StringComparison.Ordinal);
        var sent = Assert.Single(parent.Heads);
        Assert.StartsWith("GET http://there-is-no.example/x?y HTTP/1.1\r\n", sent, StringComparison.Ordinal);
        Assert.Contains($"Proxy-Authorization: Basic {Convert.ToBase64String("gw:s3cret"u8)}\r\n", sent, StringComparison.Ordinal);
        Assert.DoesNotContain(own, sent, StringComparison.Ordinal);
        Assert.Contains("Via: 1.1 pyproxy-", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ParentThatIsNotTrusted_IsToldAnAddressThatWasVettedHere()
    {
        await using var parent = new RawOrigin("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await StartAsync(
            $$""" "Proxies": { "parent": { "Address": "{{parent.Address}}" } } """, """ "Dns": { "Hosts": { "named.example": [ "198.51.100.7" ] } }, """);
        using (var tunnel = await RawClient.ConnectAsync(gateway.Port("Open")))
        {
            await tunnel.SendAsync(Requests[0]);
            Assert.StartsWith("HTTP/1.1 200", await tunnel.ReadHeadAsync(), StringComparison.Ordinal);

            // What came right behind the parent's answer is the destination's, and none of it is lost.
            Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Encoding.ASCII.GetString(await tunnel.ReadToEndAsync()));
        }

        using var absolute = await RawClient.ConnectAsync(gateway.Port("Open"));
        await absolute.SendAsync(Requests[1]);
        var (head, body) = await absolute.ReadAnswerAsync();

        Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
        Assert.Equal("ok", body);
        Assert.Equal(
            ["CONNECT 198.51.100.7:443 HTTP/1.1", "CONNECT 198.51.100.7:80 HTTP/1.1"],
            parent.Heads.Select(sent => sent.Split("\r\n")[0]), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(false, "inner.example")]
    [InlineData(true, "10.9.8.7", "x.localhost")]
    public async Task AddressThatIsProhibited_IsNotAskedForFromAParent(bool trusted, params string[] hosts)
    {
        await using var parent = new RawOrigin("HTTP/1.1 200 OK\r\n\r\n");
        await using var gateway = await GatewayServer.StartAsync(gateway: $$"""
            "Egress": { "ConnectPorts": [ "*" ], "DefaultProfile": "pool", "Profiles": { "pool": {
              "Dns": { "Hosts": { "inner.example": [ "10.9.8.7" ] } },
              "Upstreams": { "HealthCheck": { "Interval": "00:00:00" },
                             "Proxies": { "parent": { "Address": "{{parent.Address}}", "TrustedToResolve": {{(trusted ? "true" : "false")}} } } } } } }
            """);
        foreach (var host in hosts)
        {
            using var client = await RawClient.ConnectAsync(gateway.Port("Open"));
            foreach (var request in (string[])[$"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n", $"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n"])
            {
                await client.SendAsync(request);
                var (head, _) = await client.ReadAnswerAsync();

                Assert.StartsWith("HTTP/1.1 403", head, StringComparison.Ordinal);
                Assert.Contains("destination_ip_prohibited", head, StringComparison.Ordinal);
            }
        }

        Assert.Empty(parent.Heads);
    }

    [Fact]
    public async Task ParentThatDoesNotAcceptTheCredentials_IsAnErrorOfTheGateways_AndItsChallengeGoesNoFurther()
    {
        await using var parent = new RawOrigin(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"inner\"\r\nX-Inner: host7.internal\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await StartAsync(
            $$""" "Proxies": { "first": { "Address": "{{parent.Address}}", "User": "gw", "Password": "s3cret", "TrustedToResolve": true } } """);
        foreach (var request in Requests)
        {
            using var client = await RawClient.ConnectAsync(gateway.Port("Open"));
            await client.SendAsync(request);
            var (head, body) = await client.ReadAnswerAsync();

            Assert.StartsWith("HTTP/1.1 500", head, StringComparison.Ordinal);
            Assert.Contains("error=proxy_configuration_error; next-hop=\"first\"; received-status=407", head, StringComparison.Ordinal);
            Assert.DoesNotContain("Proxy-Authenticate", head, StringComparison.OrdinalIgnoreCase);
            foreach (var secret in (string[])["s3cret", "inner", "internal", parent.Address.Authority, Convert.ToBase64String("gw:s3cret"u8)])
            {
                Assert.DoesNotContain(secret, head + body, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task ParentThatOpensNoTunnel_IsTheAnswer_WithItsStatus()
    {
        await using var parent = new RawOrigin("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await StartAsync(
            $$""" "Proxies": { "first": { "Address": "{{parent.Address}}", "TrustedToResolve": true }, "second": { "Address": "{{parent.Address}}", "TrustedToResolve": true } } """);
        using var client = await RawClient.ConnectAsync(gateway.Port("Open"));

        await client.SendAsync(Requests[0]);
        var (head, _) = await client.ReadAnswerAsync();

        Assert.StartsWith("HTTP/1.1 502", head, StringComparison.Ordinal);
        Assert.Contains("error=connection_refused; next-hop=\"first\"; received-status=403", head, StringComparison.Ordinal);
        Assert.Single(parent.Heads); // whoever answers has answered
    }

    [Fact]
    public async Task ParentThatIsThisGatewayItself_IsNotDialed()
    {
        var port = 0;
        await using var gateway = await StartAsync(
            """ "Proxies": { "self": { "Address": "http://127.0.0.1:PORT", "TrustedToResolve": true } } """,
            edit: text =>
            {
                using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                port = ((IPEndPoint)probe.LocalEndPoint!).Port;
                return text.Replace("PORT", $"{port}", StringComparison.Ordinal)
                    .Replace("\"Open\":  { \"Url\": \"http://127.0.0.1:0\"", $"\"Open\":  {{ \"Url\": \"http://127.0.0.1:{port}\"", StringComparison.Ordinal);
            });

        var (_, output) = await Curl.RunAsync("--proxy", $"http://127.0.0.1:{port}", "--include", "http://named.example/");

        Assert.StartsWith("HTTP/1.1 403", output, StringComparison.Ordinal);
        Assert.Contains("next-hop=\"self\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WayThatLeadsBackHere_IsALoop()
    {
        // A relay in between hides that the parent is this gateway; Via does not.
        using var relay = new TcpListener(IPAddress.Loopback, 0);
        relay.Start();
        await using var gateway = await StartAsync($$""" "Proxies": { "relay": { "Address": "http://{{relay.LocalEndpoint}}", "TrustedToResolve": true } } """);
        foreach (var (request, answer) in Requests.Zip(["HTTP/1.1 502", "HTTP/1.1 508"]))
        {
            using var client = await RawClient.ConnectAsync(gateway.Port("Open"));
            await client.SendAsync(request);
            using var from = await relay.AcceptSocketAsync(TestContext.Current.CancellationToken);
            using var to = await RawClient.ConnectAsync(gateway.Port("Open"));
            await using var stream = new NetworkStream(from);
            var relayed = new byte[4096];
            var count = await stream.ReadAsync(relayed, TestContext.Current.CancellationToken);
            await to.SendAsync(relayed.AsMemory(0, count));
            var (looped, body) = await to.ReadAnswerAsync();
            await stream.WriteAsync(Encoding.Latin1.GetBytes(looped + body), TestContext.Current.CancellationToken);

            var (head, _) = await client.ReadAnswerAsync();

            Assert.StartsWith("HTTP/1.1 508", looped, StringComparison.Ordinal);
            Assert.StartsWith(answer, head, StringComparison.Ordinal);
            Assert.Contains("508", head, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ParentThatIsGone_CostsNobodyAnything_AndIsTakenOut()
    {
        using var dead = new ReservedPort();
        await using var gateway = await StartAsync($$"""
            "Selection": "RoundRobin", "FailuresToEject": 2, "EjectionTime": "00:10:00", "MaxEjectionTime": "00:10:00",
            "Proxies": { "dead": { "Address": "http://{{dead.Authority}}" }, "live": { "Address": "http://127.0.0.1:{{shared.Gateway.Port("Open")}}" } }
            """);

        for (var i = 0; i < 4; i++)
        {
            Assert.Equal((0, _origin.Name), await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), "--proxytunnel", _origin.Address.ToString()));
            Assert.Equal((0, _origin.Name), await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), _origin.Address.ToString()));
        }

        var (_, upstreams) = await Curl.RunAsync($"{gateway.Url("Admin")}api/v1/upstreams");
        var proxies = JsonDocument.Parse(upstreams).RootElement[0].GetProperty("proxies");
        Assert.Equal(("dead", false), (proxies[0].GetProperty("name").GetString(), proxies[0].GetProperty("in").GetBoolean()));
        Assert.Equal(("live", true), (proxies[1].GetProperty("name").GetString(), proxies[1].GetProperty("in").GetBoolean()));
        Assert.Equal((2, 8), (proxies[0].GetProperty("failed").GetInt32(), proxies[1].GetProperty("taken").GetInt32()));
        await Poll.UntilAsync(async () => (await Curl.RunAsync($"{gateway.Url("Admin")}health/ready")).Output.Contains("egress profile pool", StringComparison.Ordinal));
        Assert.Equal("pyproxy_egress_upstream_in", (await Curl.RunAsync($"{gateway.Url("Admin")}metrics")).Output.Split('\n')
            .First(line => line.StartsWith("pyproxy_egress_upstream_in{", StringComparison.Ordinal)).Split('{')[0]);
    }

    [Fact]
    public async Task UserAndClusterAndRule_LeaveByTheirOwnAddresses()
    {
        await using var gateway = await GatewayServer.StartAsync(
            _origin.Address,
            $$"""
            "Egress": { {{Open}}, "Profiles": {
              "user": { "SourceAddresses": [ "127.0.0.5" ] }, "rule": { "SourceAddresses": [ "127.0.0.6" ] }, "plan": { "SourceAddresses": [ "127.0.0.8" ] },
              "cluster": { "SourceAddresses": [ "127.0.0.7" ] } } },
            "Plans": { "standard": { "EgressProfile": "plan" } },
            "Filtering": { "Rules": [ { "Name": "r", "Match": { "Path": { "Prefix": [ "/from/rule" ] } }, "Action": "EgressProfile", "EgressProfile": "rule" } ] }
            """,
            text => text.Replace("\"alice\": { ", "\"bob\": { \"PasswordHash\": \"HASH\", \"Plan\": \"standard\" }, \"alice\": { \"EgressProfile\": \"user\", ", StringComparison.Ordinal)
                .Replace("HASH", GatewayServer.PasswordHashText, StringComparison.Ordinal)
                .Replace("\"origin\": { ", "\"origin\": { \"Metadata\": { \"EgressProfile\": \"cluster\" }, ", StringComparison.Ordinal));
        var from = new Uri(_origin.Address, "/from").ToString();

        var alice = await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"alice:{GatewayServer.Password}", from);
        var bob = await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"bob:{GatewayServer.Password}", from);
        var tunnel = await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"bob:{GatewayServer.Password}", "--proxytunnel", from);
        var nobody = await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), from);
        var ruled = await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"alice:{GatewayServer.Password}", from + "/rule");
        var reverse = await Curl.RunAsync(new Uri(gateway.Url("Web"), "/from").ToString());

        Assert.Equal(
            ["127.0.0.5", "127.0.0.8", "127.0.0.8", "127.0.0.1", "127.0.0.6", "127.0.0.7"],
            new[] { alice, bob, tunnel, nobody, ruled, reverse }.Select(answer => answer.Output), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Cluster_GoesThroughTheUpstreamProxyOfItsProfile()
    {
        await using var gateway = await GatewayServer.StartAsync(
            _origin.Address,
            $$"""
            "Egress": { "Profiles": { "out": { "Upstreams": { "Proxies": { "parent": { "Address": "http://127.0.0.1:{{shared.Gateway.Port("Open")}}" } } } } } }
            """,
            text => text.Replace("\"origin\": { ", "\"origin\": { \"Metadata\": { \"EgressProfile\": \"out\" }, ", StringComparison.Ordinal));

        Assert.Equal((0, _origin.Name), await Curl.RunAsync(gateway.Url("Web").ToString()));

        Assert.Equal(2, _origin.LastRequest["Via"]!.Split(',').Length);
    }

    private static Task<GatewayServer> StartAsync(string pool, string profile = "", Func<string, string>? edit = null) => GatewayServer.StartAsync(
        gateway: $$"""
            "Egress": { {{Open}}, "DefaultProfile": "pool",
                        "Profiles": { "pool": { {{profile}} "Upstreams": { "HealthCheck": { "Interval": "00:00:00" }, {{pool}} } } } }
            """,
        edit: edit);

    /// <summary>A gateway that is somebody's upstream proxy.</summary>
    public sealed class ParentGateway : IAsyncLifetime
    {
        internal GatewayServer Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await GatewayServer.StartAsync(gateway: $$""" "Egress": { {{Open}} } """);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }
}
