using System.Diagnostics.Metrics;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>What the instruments of a whole gateway say while it works.</summary>
public sealed class WorkingGatewayTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WorkingGateway_ShowsWhereTimeGoesWhatIsHeldAndWhatRunsOut()
    {
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/held", async () =>
        {
            asked.SetResult();
            await answer.Task;
            return "done";
        }));
        await using var gateway = await GatewayServer.StartAsync(
            gateway: """
                "Plans": { "small": { "Concurrency": 5, "Quotas": [ "2 requests/day" ] } }, "Egress": { "AllowedAddresses": [ "127.0.0.1" ] },
                "Filtering": { "Rules": [ { "Name": "no-blocked", "Match": { "Hosts": [ "blocked.test" ] }, "Action": "Deny" } ] }
                """,
            edit: text => text.Replace("\"PasswordHash\"", "\"Plan\": \"small\", \"PasswordHash\"", StringComparison.Ordinal));
        using var measured = new Measurements(gateway.Services.GetRequiredService<IMeterFactory>());
        var held = AskAsync(gateway, new Uri(origin.Address, "/held"));
        await asked.Task.WaitAsync(RawClient.Patience, Cancellation);
        Assert.Equal(1, measured["pyproxy.limiter.permits{plan=small}"]);
        Assert.Equal(1, measured["pyproxy.requests.active{role=forward}"]);
        Assert.Equal(1, measured["pyproxy.limiter.quotas{plan=small,quota=2 requests/day,use=below_80}"]);
        answer.SetResult();
        Assert.Equal("done", await held);
        await AskAsync(gateway, new Uri("http://blocked.test/"));
        await AskAsync(gateway, origin.Address);
        await AskAsync(gateway, origin.Address); // the quota is used up
        await gateway.StopAsync();

        Assert.Equal(0, measured["pyproxy.limiter.permits{plan=small}"]);
        Assert.Equal(1, measured["pyproxy.limiter.quotas{plan=small,quota=2 requests/day,use=used_up}"]);
        Assert.Equal(1, measured["pyproxy.limiter.quota.refusals{outcome=refused,plan=small,quota=2 requests/day}"]);
        Assert.Equal(4, measured["pyproxy.request.gateway.duration{role=forward}"]);
        Assert.Equal(2, measured["pyproxy.request.upstream.duration{role=forward}"]); // two went no further
        Assert.Equal(4, measured["pyproxy.user.requests{user=alice}"]);
        Assert.Equal(2, measured["pyproxy.user.refusals{outcome=denied,user=alice}"]);
        Assert.Equal("doneorigin".Length, measured["pyproxy.request.bytes{direction=out,http.response.status_code=200,outcome=ok,role=forward,way_in=forward}"]);
        Assert.Equal(1, measured["pyproxy.configuration.in_force"]);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddYears(150).ToUnixTimeSeconds(), measured["pyproxy.certificate.expiry_time{endpoint=Secure}"]);
        Assert.InRange(measured["pyproxy.process.open_files"], 10, measured["pyproxy.process.open_files.limit"]);
    }

    private static async Task<string> AskAsync(GatewayServer gateway, Uri target)
        => (await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"alice:{GatewayServer.Password}", target.ToString())).Output;
}
