using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>Two gateways behind the load balancers as deploy/ configures them, and one of the gateways lost under load.</summary>
public sealed class LoadBalancerTests
{
    private const int Clients = 4;
    private const string Forward = """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ] } """;
    private const string Sized = "/sized";
    private const string BehindBalancer = """, "Listeners": { "TrustedProxies": [ "127.0.0.1" ] } """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HAProxy_GatewayIsKilledUnderLoad_NoRequestFails()
    {
        await using var origin = await StartOriginAsync();
        await using var lost = await GatewayProcess.StartAsync(directory => BehindProxyProtocol(GatewayServer.Configuration(directory, origin.Address, Forward + BehindBalancer)));
        await using var other = await GatewayServer.StartAsync(origin.Address, Forward + BehindBalancer, BehindProxyProtocol);
        var ports = await lost.ListeningAsync();
        await using var haproxy = await Peer.StartAsync("haproxy", 4, free => HAProxy(free, ports, other), AnswersAsync);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = haproxy.Url(0) };

        var (answers, gateways) = await LoseAsync(client, origin, () => lost.SignalAsync("KILL"));

        Assert.Equal([HttpStatusCode.OK], answers.Distinct());
        Assert.Equal(2, gateways);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{answers.Count} requests, none failed"));

        // The forward proxy behind it goes on by the other gateway; its user comes through, and so does the PROXY protocol header that it demands.
        using var proxied = new HttpClient(new HttpClientHandler
        {
            Proxy = new WebProxy(haproxy.Url(1)) { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
        });
        Assert.Equal("origin", await proxied.GetStringAsync(origin.Address, Cancellation));
    }

    [Fact]
    public async Task Nginx_GatewayIsStoppedUnderLoad_NoRequestFails()
    {
        await using var origin = await StartOriginAsync();
        await using var lost = await GatewayServer.StartAsync(origin.Address, Forward + BehindBalancer, ProxyBehindProxyProtocol);
        await using var other = await GatewayServer.StartAsync(origin.Address, Forward + BehindBalancer, ProxyBehindProxyProtocol);
        using var directory = new TemporaryDirectory("deploy");
        var configuration = await RepositoryFiles.ReadAsync("deploy/nginx/nginx.conf");
        await using var nginx = await Peer.StartAsync("nginx-light libnginx-mod-stream", 3, free => Nginx(directory, configuration, free, lost, other), AnswersAsync);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = nginx.Url(0) };

        var (answers, gateways) = await LoseAsync(client, origin, lost.StopAsync);

        Assert.Equal([HttpStatusCode.OK], answers.Distinct());
        Assert.Equal(2, gateways);
        using var proxied = new HttpClient(new HttpClientHandler
        {
            Proxy = new WebProxy(nginx.Url(1)) { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
        });
        Assert.Equal("origin", await proxied.GetStringAsync(origin.Address, Cancellation));

        // Its own word about who the client is arrives, the client's does not.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/told");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "203.0.113.9");
        using var response = await client.SendAsync(request, Cancellation);
        Assert.Contains("\"client\":\"127.0.0.1\"", await LineAsync(other, "/told"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NginxExample_PassesItsOwnCheck()
    {
        // Its gateways' names mean nothing here; everything else is as shipped.
        using var directory = new TemporaryDirectory("deploy");
        var copy = directory.Write("nginx.conf", (await RepositoryFiles.ReadAsync("deploy/nginx/nginx.conf"))
            .Replace("server gateway-", "server 127.0.0.", StringComparison.Ordinal)
            .Replace("/tmp/nginx.pid", directory.Path + "/nginx.pid", StringComparison.Ordinal));

        var (code, output) = await Tool.RunAsync("nginx", "nginx-light libnginx-mod-stream", "", "-t", "-c", copy);
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task HAProxyExample_PassesItsOwnCheck()
    {
        var (code, output) = await Tool.RunAsync("haproxy", "haproxy", "", "-c", "-f", RepositoryFiles.PathOf("deploy/haproxy/haproxy.cfg"));
        Assert.True(code == 0, output);
    }

    /// <summary>Its answers leave a gateway in one piece: one that has begun when its gateway dies breaks off, and nobody can help that.</summary>
    private static Task<OriginServer> StartOriginAsync()
        => OriginServer.StartAsync(endpoints: static app => app.MapGet(Sized, static () => TypedResults.Bytes("origin"u8.ToArray())));

    /// <summary>Clients ask until well after the loss.</summary>
    /// <returns>All answers; and how many gateways the origin has heard of.</returns>
    private static async Task<(ConcurrentBag<HttpStatusCode> Answers, int Gateways)> LoseAsync(HttpClient client, OriginServer origin, Func<Task> lose)
    {
        const int Before = 100;
        const int After = 200;
        var answers = new ConcurrentBag<HttpStatusCode>();
        var (total, enough) = (0, int.MaxValue);
        var load = Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref total) < Volatile.Read(ref enough))
            {
                using var response = await client.GetAsync(new Uri(Sized, UriKind.Relative), Cancellation);
                await response.Content.ReadAsByteArrayAsync(Cancellation);
                answers.Add(response.StatusCode);
                Interlocked.Increment(ref total);
            }
        })).ToList();

        await Poll.UntilAsync(() => ValueTask.FromResult(Volatile.Read(ref total) >= Before));
        await lose();
        Volatile.Write(ref enough, Volatile.Read(ref total) + After);
        await Task.WhenAll(load);
        return (answers, origin.Requests.Select(request => request["Via"]).Distinct(StringComparer.Ordinal).Count());
    }

    private static async Task<bool> AnswersAsync(Peer balancer)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        try
        {
            using var response = await client.GetAsync(balancer.Url(0), Cancellation);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static ProcessStartInfo HAProxy(int[] free, IReadOnlyDictionary<string, int> first, GatewayServer second)
    {
        var start = new ProcessStartInfo("haproxy", ["-db", "-f", RepositoryFiles.PathOf("deploy/haproxy/haproxy.cfg")]);
        foreach (var (name, port) in ((string, int)[])[("WEB", free[0]), ("PROXY", free[1]), ("SOCKS", free[2]), ("STATE", free[3])])
        {
            start.Environment[name] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        }

        start.Environment["GATEWAY_1"] = start.Environment["GATEWAY_2"] = "127.0.0.1";
        foreach (var name in (string[])["Web", "Proxy", "Socks", "Admin"])
        {
            start.Environment[$"{name.ToUpperInvariant()}_PORT_1"] = first[name].ToString(CultureInfo.InvariantCulture);
            start.Environment[$"{name.ToUpperInvariant()}_PORT_2"] = second.Port(name).ToString(CultureInfo.InvariantCulture);
        }

        return start;
    }

    private static ProcessStartInfo Nginx(TemporaryDirectory directory, string configuration, int[] free, GatewayServer first, GatewayServer second)
    {
        var text = configuration.Replace("/tmp/nginx.pid", directory.Path + "/nginx.pid", StringComparison.Ordinal);
        foreach (var (number, name) in ((int, string)[])[(8080, "Web"), (3128, "Proxy"), (1080, "Socks")])
        {
            text = text
                .Replace(string.Create(CultureInfo.InvariantCulture, $"gateway-1:{number}"), first.Url(name).Authority, StringComparison.Ordinal)
                .Replace(string.Create(CultureInfo.InvariantCulture, $"gateway-2:{number}"), second.Url(name).Authority, StringComparison.Ordinal);
        }

        text = text.Replace("listen 8080", Listen(0), StringComparison.Ordinal)
            .Replace("listen 3128", Listen(1), StringComparison.Ordinal)
            .Replace("listen 1080", Listen(2), StringComparison.Ordinal);
        return new ProcessStartInfo("nginx", ["-c", directory.Write("nginx.conf", text), "-g", "daemon off;"]);

        string Listen(int port) => string.Create(CultureInfo.InvariantCulture, $"listen 127.0.0.1:{free[port]}");
    }

    private static string BehindProxyProtocol(string configuration) => ProxyBehindProxyProtocol(configuration)
        .Replace(""" "Role": "Reverse" """, """ "Role": "Reverse", "ProxyProtocol": "Required" """, StringComparison.Ordinal);

    private static string ProxyBehindProxyProtocol(string configuration) => configuration
        .Replace(""" "Role": "Forward" }""", """ "Role": "Forward", "ProxyProtocol": "Required" }""", StringComparison.Ordinal)
        .Replace(""" "Role": "Socks" """, """ "Role": "Socks", "ProxyProtocol": "Required" """, StringComparison.Ordinal);

    private static async Task<string> LineAsync(GatewayServer gateway, string path)
    {
        var line = "";
        await Poll.UntilAsync(async () => (line = (await gateway.AccessLogAsync()).Split('\n').FirstOrDefault(
            text => text.Contains(path, StringComparison.Ordinal)) ?? "").Length > 0);
        return line;
    }
}
