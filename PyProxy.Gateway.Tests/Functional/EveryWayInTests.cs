using System.Net;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>The same user asks for the same destination through every way in, with real <c>curl</c>.</summary>
public sealed class EveryWayInTests : IAsyncLifetime
{
    private const string Policy = """
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
        "Filtering": { "Rules": [ { "Name": "no-localhost", "Match": { "Hosts": [ "localhost" ] }, "Action": "Deny" } ] }
        """;

    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    private string Credentials => $"alice:{GatewayServer.Password}";

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync();
        _gateway = await GatewayServer.StartAsync(_origin.Address, Policy);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    public static TheoryData<string> ForwardWays => ["absolute", "connect", "socks"];

    [Theory]
    [MemberData(nameof(ForwardWays))]
    public async Task KnownUser_Passes(string way)
    {
        var (exit, output) = await CurlAsync(way, Credentials, new Uri(_origin.Address, "/echo"), "-w", "%{http_code}", "-o", "/dev/null");

        Assert.Equal(0, exit);
        Assert.Equal("200", output);
    }

    [Theory]
    [MemberData(nameof(ForwardWays))]
    public async Task WrongPassword_IsRefused(string way)
    {
        var (exit, output) = await CurlAsync(way, "alice:wrong", new Uri(_origin.Address, "/echo"), "-w", "%{http_code} %{http_connect}", "-o", "/dev/null");

        Assert.True(way == "absolute" ? output.StartsWith("407", StringComparison.Ordinal) : exit != 0, output);
        Assert.Empty(_origin.Requests);
    }

    [Theory]
    [MemberData(nameof(ForwardWays))]
    public async Task RuledOutHost_IsRefused(string way)
    {
        var target = new UriBuilder(_origin.Address) { Host = "localhost", Path = "/echo" }.Uri;
        var (exit, output) = await CurlAsync(way, Credentials, target, "-w", "%{http_code} %{http_connect}", "-o", "/dev/null");

        Assert.True(way == "absolute" ? output.StartsWith("403", StringComparison.Ordinal) : exit != 0, output);
        Assert.Empty(_origin.Requests);
    }

    [Fact]
    public async Task AnyAuth_PassesAfterTheChallengeOnTheSameConnection()
    {
        var (exit, output) = await Curl.RunAsync(
            "--proxy", _gateway.Url("Proxy").ToString(), "--proxy-anyauth", "--proxy-user", Credentials, "--proxytunnel",
            "-w", "%{http_code} %{num_connects}", "-o", "/dev/null", new Uri(_origin.Address, "/echo").ToString());

        Assert.Equal(0, exit);
        Assert.StartsWith("200", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReverseRoute_Passes()
    {
        using var client = new HttpClient();

        using var answer = await client.GetAsync(new Uri(_gateway.Url("Web"), "/echo"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task AdminPaths_AreNotOnOtherRoles()
    {
        using var client = new HttpClient();

        using var ready = await client.GetAsync(new Uri(_gateway.Url("Admin"), "/health/ready"), TestContext.Current.CancellationToken);
        await client.GetStringAsync(new Uri(_gateway.Url("Web"), "/metrics"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Equal("/metrics", _origin.LastRequest.Target); // YARP's catch-all had it
    }

    private Task<(int ExitCode, string Output)> CurlAsync(string way, string credentials, Uri target, params string[] more) => Curl.RunAsync(
    [
        .. way switch
        {
            "absolute" => (string[])["--proxy", _gateway.Url("Proxy").ToString(), "--proxy-user", credentials],
            "connect" => ["--proxy", _gateway.Url("Proxy").ToString(), "--proxytunnel", "--proxy-user", credentials],
            _ => ["--socks5-hostname", _gateway.Url("Socks").Authority, "--proxy-user", credentials],
        },
        .. more,
        target.ToString(),
    ]);
}
