using System.Net;
using System.Net.Sockets;
using System.Text;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>Some of everything that dashboards show: on every way in, allowed, refused, failed, held back.</summary>
internal sealed class DashboardTraffic : IDisposable
{
    // Somewhat more than the route's plan lets through at once.
    private const int LargeBody = 60_000;

    private readonly GatewayProcess _gateway;
    private readonly IReadOnlyDictionary<string, int> _ports;
    private readonly OriginServer _origin;
    private readonly HttpClient _reverse;
    private readonly HttpClient _alice;
    private readonly HttpClient _stranger;
    private readonly HttpClient _socks;
    private int _rounds;

    public DashboardTraffic(GatewayProcess gateway, IReadOnlyDictionary<string, int> ports, OriginServer origin)
    {
        _gateway = gateway;
        _ports = ports;
        _origin = origin;
        _reverse = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports["Web"]}") };
        _alice = Through("http", "Proxy", new NetworkCredential("alice", GatewayServer.Password));
        _stranger = Through("http", "Proxy", new NetworkCredential("stranger", "wrong"));
        _socks = Through("socks5", "Socks", new NetworkCredential("alice", GatewayServer.Password));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Task<OriginServer> StartOriginAsync()
        => OriginServer.StartAsync(endpoints: static app => app.MapGet("/large", static () => TypedResults.Bytes(new byte[LargeBody])));

    public static Task<GatewayProcess> StartGatewayAsync(OriginServer origin, string redis, TemporaryDirectory directory) => GatewayProcess.StartAsync(
        data => GatewayServer.Configuration(data, origin.Address, $$"""
        "SharedState": { "Redis": "{{redis}}" },
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
        "Plans": {
          "standard": { "Rates": [ "5/s" ], "Concurrency": 100, "Tunnels": 100, "Quotas": [ "1GB/month" ] },
          "slow": { "Bandwidth": { "Down": "50KB/s" } } },
        "Filtering": {
          "Lists": { "bad": { "Source": "{{directory.Write("bad.txt", "bad.example\n")}}", "Format": "Domains" } },
          "Rules": [
            { "Name": "no-admin", "Match": { "Path": { "Exact": [ "/admin" ] } }, "Action": "Deny" },
            { "Name": "watched", "Match": { "Hosts": [ "watched.example" ] }, "Action": "Deny", "Mode": "ReportOnly" },
            { "Name": "no-bad", "Match": { "HostLists": [ "bad" ] }, "Action": "Deny" } ] }
        """)
            .Replace("\"PasswordHash\": ", "\"Plan\": \"standard\", \"PasswordHash\": ", StringComparison.Ordinal)
            .Replace(""" "Routes": {""", """ "Routes": { "broken": { "ClusterId": "broken", "Match": { "Path": "/broken" } }, "slow": { "ClusterId": "origin", "Match": { "Path": "/large" }, "RateLimiterPolicy": "slow" },""", StringComparison.Ordinal)
            .Replace(""" "Clusters": {""", """ "Clusters": { "broken": { "Destinations": { "none": { "Address": "http://127.0.0.1:9" } } },""", StringComparison.Ordinal));

    public async Task RunOnceAsync()
    {
        await AskAsync(_reverse, "/");
        await AskAsync(_reverse, "/broken");
        await AskAsync(_reverse, "/large");
        await AskAsync(_reverse, "/admin");
        await AskAsync(_alice, _origin.Address.ToString());
        await AskAsync(_alice, "http://bad.example/");
        await AskAsync(_alice, "http://watched.example/");
        await AskAsync(_socks, _origin.Address.ToString());
        for (var i = 0; i < 10; i++)
        {
            await AskAsync(_alice, _origin.Address.ToString()); // more than the plan allows
        }

        await AskAsync(_stranger, _origin.Address.ToString());
        await TunnelAsync();
        if (_rounds++ == 0)
        {
            // A comment changes nothing but is read.
            await File.AppendAllTextAsync(Path.Combine(_gateway.Folder, "appsettings.json"), "\n// read again\n", Cancellation);
        }
    }

    public void Dispose()
    {
        _reverse.Dispose();
        _alice.Dispose();
        _stranger.Dispose();
        _socks.Dispose();
    }

    private async Task TunnelAsync()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _ports["Open"], Cancellation);
        var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"CONNECT {_origin.Address.Authority} HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\n\r\nGET / HTTP/1.0\r\nHost: o\r\n\r\n"),
            Cancellation);
        using var reader = new StreamReader(stream);
        Assert.EndsWith("origin", await reader.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    private HttpClient Through(string scheme, string endpoint, NetworkCredential credentials)
        => new(new SocketsHttpHandler { Proxy = new WebProxy($"{scheme}://127.0.0.1:{_ports[endpoint]}") { Credentials = credentials } });

    private async Task AskAsync(HttpClient client, string address)
    {
        try
        {
            using var response = await client.GetAsync(new Uri(address, UriKind.RelativeOrAbsolute), Cancellation);
            await response.Content.ReadAsByteArrayAsync(Cancellation);
        }
        catch (HttpRequestException) when (ReferenceEquals(client, _socks))
        {
            // Refused, and SOCKS has no answers to read.
        }
    }
}
