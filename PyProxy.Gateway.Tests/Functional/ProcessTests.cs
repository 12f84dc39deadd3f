using System.Net;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Command line, signals and exit codes of the real process.</summary>
public sealed class ProcessTests
{
    private const string LocalTargets = """ "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ], "ConnectPorts": [ "*" ] } """;

    private const string FiveMistakes = """
        {
          "Kestrel": { "Endpoints": { "Web": { "Url": "http://127.0.0.1:0" } } },
          "ReverseProxy": {
            "Routes": {
              "all": { "ClusterId": "nowhere", "Match": { "Path": "{**rest}" } }
            }
          },
          "Gateway": {
            "Tunnels": { "IdelTimeout": "00:10:00" },
            "Shutdown": { "Delay": "a while" },
            "Egress": { "AllowedAddresses": [ "10.0.0.0/99" ] },
            "Users": {
              "Accounts": {
                "alice": { "PasswordHash": "HASH", "Plan": "gold" }
              }
            }
          }
        }
        """;

    [Theory]
    [InlineData("check")]
    [InlineData("run")]
    public async Task FiveMistakes_AreAllNamedWithLineAndPath_AndNothingStarts(string command)
    {
        var hash = PyProxy.Gateway.Users.PasswordHash.Create("x").ToString();
        await using var gateway = await GatewayProcess.StartAsync(
            _ => FiveMistakes.Replace("HASH", hash, StringComparison.Ordinal), command == "run" ? [] : [command]);

        var (code, output) = await gateway.ExitAsync();

        var errors = string.Join('\n', gateway.ErrorLines);
        var report = command == "run" ? errors : output;
        Assert.Equal(78, code);
        Assert.Matches(@"(?m)^appsettings\.json:9: .*Gateway.*Tunnels.*IdelTimeout", report);
        Assert.Matches(@"(?m)^appsettings\.json:10: .*Gateway.*Shutdown.*Delay", report);
        Assert.Matches(@"(?m)^appsettings\.json:11: .*Gateway.*Egress.*AllowedAddresses\[0\]", report);
        Assert.Matches(@"(?m)^appsettings\.json:14: .*Gateway.*Users.*alice.*Plan", report);
        Assert.Matches(@"(?m)^appsettings\.json:5: .*ReverseProxy.*Routes.*all.*ClusterId", report);
        Assert.Contains("5 problems", report, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("http://127.0.0.1", errors, StringComparison.Ordinal); // nothing was announced
    }

    [Fact]
    public async Task GoodFile_Passes()
    {
        await using var gateway = await GatewayProcess.StartAsync(Configuration(new Uri("http://127.0.0.1:9"), LocalTargets), "check");

        var (code, output) = await gateway.ExitAsync();

        Assert.Equal(0, code);
        Assert.Contains("good", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_Teaches()
    {
        await using var gateway = await GatewayProcess.StartAsync(configuration: null, "--help");

        var (code, output) = await gateway.ExitAsync();

        Assert.Equal(0, code);
        Assert.All((string[])["Examples:", "--config", "check", "schema", "hash", "health", "origin"],
            word => Assert.Contains(word, output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task MistypedCommand_IsAUsageError()
    {
        await using var gateway = await GatewayProcess.StartAsync(configuration: null, "chekc");

        var (code, _) = await gateway.ExitAsync();

        Assert.Equal(64, code);
        Assert.Contains(gateway.ErrorLines, line => line.Contains("chekc", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_SaysOnceWhatItRunsOnAndWhoListensWhere()
    {
        await using var gateway = await GatewayProcess.StartAsync(Configuration(new Uri("http://127.0.0.1:9"), LocalTargets));

        var ports = await gateway.ListeningAsync();
        await gateway.SignalAsync("INT");
        var (code, _) = await gateway.ExitAsync();

        Assert.Equal(0, code);
        Assert.Single(gateway.ErrorLines, line => line.Contains("Configuration appsettings.json in force", StringComparison.Ordinal));
        Assert.All(ports.Values, port => Assert.Single(gateway.ErrorLines, line => line.EndsWith($":{port}", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Sigterm_DrainsAndEndsWithZero()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var origin = await HoldingOriginAsync(held, release);
        await using var gateway = await GatewayProcess.StartAsync(Configuration(
            origin.Address, LocalTargets + """, "Shutdown": { "Delay": "00:00:03", "TunnelTimeout": "00:00:01" } """));
        var ports = await gateway.ListeningAsync();
        using var client = new HttpClient();
        var inFlight = client.GetStringAsync(new Uri($"http://127.0.0.1:{ports["Web"]}/hold"), TestContext.Current.CancellationToken);
        await held.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        using var kept = await RawHttp1Client.ConnectAsync(ports["Web"]);
        const string Ask = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
        var before = await kept.AskAsync(Ask);
        var connect = $"CONNECT {origin.Address.Authority} HTTP/1.1\r\nHost: {origin.Address.Authority}\r\n\r\n";
        using var idle = await RawHttp1Client.ConnectAsync(ports["Open"]);
        await idle.AskAsync(connect);

        await gateway.SignalAsync("TERM");
        await gateway.LineAsync("shutting down");

        // Listeners still accept: the load balancer has yet to notice.
        using var ready = await client.GetAsync(
            new Uri($"http://127.0.0.1:{ports["Admin"]}/health/ready"), TestContext.Current.CancellationToken);
        var after = await kept.AskAsync(Ask);
        using var late = await RawHttp1Client.ConnectAsync(ports["Open"]);
        var lateTunnel = await late.AskAsync(connect);

        await gateway.LineAsync("2 tunnels had not ended in time and were cut");
        await idle.RestAsync();
        release.SetResult();

        Assert.Equal("released", await inFlight);
        Assert.Equal(0, (await gateway.ExitAsync()).Code);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.DoesNotContain("Connection: close", before, StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("HTTP/1.1 200", after, StringComparison.Ordinal);
        Assert.Contains("Connection: close", after, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(await kept.RestAsync());
        Assert.StartsWith("HTTP/1.1 200", lateTunnel, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task SecondSignal_EndsAtOnce(string signal, int expected)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var origin = await HoldingOriginAsync(held, release);
        await using var gateway = await GatewayProcess.StartAsync(Configuration(origin.Address, LocalTargets));
        var ports = await gateway.ListeningAsync();
        using var client = new HttpClient();
        var inFlight = client.GetStringAsync(new Uri($"http://127.0.0.1:{ports["Web"]}/hold"), TestContext.Current.CancellationToken);
        await held.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await gateway.SignalAsync(signal);
        await gateway.LineAsync("shutting down");
        await gateway.SignalAsync(signal);

        Assert.Equal(expected, (await gateway.ExitAsync()).Code);
        await Assert.ThrowsAsync<HttpRequestException>(() => inFlight);
        release.SetResult();
    }

    private static Func<string, string> Configuration(Uri origin, string gateway)
        => directory => GatewayServer.Configuration(directory, origin, gateway);

    private static Task<OriginServer> HoldingOriginAsync(TaskCompletionSource held, TaskCompletionSource release)
        => OriginServer.StartAsync(endpoints: app => app.MapGet("/hold", async context =>
        {
            held.TrySetResult();
            await release.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("released", context.RequestAborted);
        }));
}
