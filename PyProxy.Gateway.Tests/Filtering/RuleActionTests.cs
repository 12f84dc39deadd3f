using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Filtering;

/// <summary>What rules do, through every way in, in a whole gateway.</summary>
public sealed class RuleActionTests
{
    private OriginServer _origin = null!;

    public static TheoryData<string> EveryWay => new(Asking.EveryWay);

    [Theory]
    [MemberData(nameof(EveryWay))]
    public async Task Close_AnswersNothing(string way)
    {
        await using var gateway = await StartAsync("""{ "Name": "shut", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Close" }""");
        var answer = await gateway.AskAsync(way, Host("a"));

        Assert.NotEqual(200, answer.Status);
        Assert.Empty(answer.Head);
        Assert.Empty(_origin.Requests);
        await gateway.StopAsync(); // by then the access log is on disk
        Assert.Contains("\"decided_by\":\"shut\"", await gateway.AccessLogAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("forward", 307)]
    [InlineData("reverse", 307)]
    [InlineData("connect", 403)]
    [InlineData("connect-h2", 403)]
    [InlineData("socks", 403)]
    public async Task Redirect_NamesThePlaceWhereClientsFollow(string way, int status)
    {
        await using var gateway = await StartAsync(
            """{ "Name": "moved", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Redirect", "Status": 307, "Location": "https://intranet.example/why" }""");
        var answer = await gateway.AskAsync(way, Host("a"));

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 307, answer.Head.Contains("Location: https://intranet.example/why", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("forward", "/new?x=1")]
    [InlineData("reverse", "/old?y=2")]
    public async Task Rewrite_SendsForwardRequestsElsewhere(string way, string target)
    {
        await using var gateway = await StartAsync(
            """{ "Name": "mirror", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Rewrite", "To": { "Host": "b.localhost", "Path": "/new?x=1" } }""");
        var answer = await gateway.AskAsync(way, Host("a"), "/old?y=2");

        Assert.Equal(200, answer.Status);
        Assert.Equal(target, _origin.LastRequest.Target);
        Assert.Equal(way == "forward" ? Host("b") : _origin.Address.Authority, _origin.LastRequest["Host"]); // a route's own transform writes the latter
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("connect-h2")]
    [InlineData("socks")]
    public async Task RewrittenPort_IsWhereATunnelLeads(string way)
    {
        await using var gateway = await StartAsync(
            """{ "Name": "mirror", "Match": { "Hosts": [ "a.invalid" ] }, "Action": "Rewrite", "To": { "Host": "127.0.0.1", "Port": PORT } }""");

        Assert.Equal(200, (await gateway.AskAsync(way, "a.invalid:443")).Status);
    }

    [Theory]
    [InlineData("forward")]
    [InlineData("reverse")]
    public async Task Fields_AreSetAndRemovedBeforeTheOriginSeesThem(string way)
    {
        await using var gateway = await StartAsync("""
            { "Name": "team", "Match": { "Hosts": [ "*.localhost" ] }, "Action": "SetField", "Field": "X-Team", "Value": "blue" },
            { "Name": "no-cookie", "Match": { "Hosts": [ "*.localhost" ] }, "Action": "RemoveField", "Field": "cookie" },
            { "Name": "word", "Match": { "Headers": [ { "Name": "X-Team", "Exact": [ "blue" ] } ] }, "Action": "Tag", "Tag": "blue" }
            """);
        var answer = await gateway.AskAsync(way, Host("a"), fields: "Cookie: a=b\r\nX-Team: red\r\n");

        Assert.Equal(200, answer.Status);
        Assert.Equal("blue", _origin.LastRequest["X-Team"]);
        Assert.Null(_origin.LastRequest["Cookie"]);
        Assert.Equal(1, gateway.Services.GetRequiredService<RuleHits>().Of("word").Enforced);
    }

    [Theory]
    [MemberData(nameof(EveryWay))]
    public async Task Tag_StandsInTheAccessLog_AndDecidesNothing(string way)
    {
        await using var gateway = await StartAsync("""
            { "Name": "mark", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Tag", "Tag": "team:blue" },
            { "Name": "mark-again", "Match": { "Hosts": [ "*.localhost" ] }, "Action": "Tag", "Tag": "seen" },
            { "Name": "refuse", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Deny" }
            """);

        Assert.Equal(403, (await gateway.AskAsync(way, Host("a"))).Status);
        await gateway.StopAsync(); // by then the access log is on disk
        Assert.Contains("\"tags\":[\"team:blue\",\"seen\"]", await gateway.AccessLogAsync(), StringComparison.Ordinal);
    }

    /// <summary>A reverse route leaves as its cluster says, whatever a rule has chosen.</summary>
    [Theory]
    [InlineData("forward", "127.0.0.9")]
    [InlineData("connect", "127.0.0.9")]
    [InlineData("connect-h2", "127.0.0.9")]
    [InlineData("socks", "127.0.0.9")]
    [InlineData("reverse", "127.0.0.1")]
    public async Task EgressProfile_IsTheWayOutOfWhatTheRuleMatches(string way, string from)
    {
        using var destination = new TcpListener(IPAddress.Loopback, 0);
        destination.Start();
        await using var gateway = await GatewayServer.StartAsync(new Uri($"http://{destination.LocalEndpoint}"), """
            "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ], "ConnectPorts": [ "*" ], "Profiles": { "branch": { "SourceAddresses": [ "127.0.0.9" ] } } },
            "Filtering": { "Rules": [ { "Name": "by-branch", "Match": { "Hosts": [ "127.0.0.1" ] }, "Action": "EgressProfile", "EgressProfile": "branch" } ] }
            """);
        var asked = gateway.AskAsync(way, $"{destination.LocalEndpoint}");

        using (var arrived = await destination.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(RawClient.Patience, TestContext.Current.CancellationToken))
        {
            Assert.Equal(from, ((IPEndPoint)arrived.RemoteEndPoint!).Address.ToString());
            destination.Stop(); // a further try is refused
        }

        await asked;
    }

    [Theory]
    [MemberData(nameof(EveryWay))]
    public async Task Plan_HoldsForWhatTheRuleMatches(string way)
    {
        await using var gateway = await StartAsync(
            """{ "Name": "slow", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Plan", "Plan": "once" }""", more: """ "Plans": { "once": { "Rates": [ "1/h per address" ] } }, """);

        Assert.Equal(200, (await gateway.AskAsync(way, Host("a"))).Status);
        Assert.NotEqual(200, (await gateway.AskAsync(way, Host("a"))).Status);
        Assert.Equal(200, (await gateway.AskAsync(way, Host("b"))).Status);
    }

    [Theory]
    [InlineData("forward")]
    [InlineData("reverse")]
    public async Task Response_IsRefusedOrChangedBeforeItStarts(string way)
    {
        await using var gateway = await StartAsync("", """
            { "Name": "no-powered-by", "Match": { "Response": { "Headers": [ { "Name": "X-Powered-By" } ] } }, "Action": "RemoveField", "Field": "X-Powered-By" },
            { "Name": "no-scripts", "Match": { "Response": { "ContentTypes": [ "text/javascript" ] } }, "Action": "Deny", "Message": "No scripts here." },
            { "Name": "no-large", "Match": { "Response": { "Size": { "Min": 1000 } }, "Hosts": [ "a.localhost" ] }, "Action": "Deny" },
            { "Name": "errors", "Match": { "Response": { "Statuses": [ "500-599" ] } }, "Action": "SetField", "Field": "X-Seen", "Value": "yes" }
            """);
        var script = await gateway.AskAsync(way, Host("a"), "/script");
        var large = await gateway.AskAsync(way, Host("a"), "/large");
        var largeElsewhere = await gateway.AskAsync(way, Host("b"), "/large");
        var broken = await gateway.AskAsync(way, Host("a"), "/broken");

        Assert.Equal(403, script.Status);
        Assert.Contains("\"decidedBy\":\"no-scripts\"", script.Body, StringComparison.Ordinal);
        Assert.Contains("No scripts here.", script.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("alert", script.Body, StringComparison.Ordinal);
        Assert.Equal(403, large.Status);
        Assert.Equal(200, largeElsewhere.Status);
        Assert.Equal(500, broken.Status);
        Assert.Contains("X-Seen: yes", broken.Head, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Powered-By", broken.Head, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task PooledConnection_DoesNotGetPastARuleAboutAddresses()
    {
        await using var gateway = await StartAsync("""
            { "Name": "inside", "Match": { "Addresses": [ "127.0.0.0/8", "::1" ], "Path": { "Prefix": [ "/secret" ] } }, "Action": "Deny" }
            """);

        Assert.Equal(200, (await gateway.AskAsync("forward", Host("a"), "/open")).Status); // leaves a connection behind
        Assert.Equal(403, (await gateway.AskAsync("forward", Host("a"), "/secret")).Status);
        Assert.Equal(200, (await gateway.AskAsync("forward", Host("a"), "/open")).Status);
        Assert.Equal(2, _origin.Requests.Count);
    }

    [Fact]
    public async Task AddressRule_CanAllowWhatTheDefaultDenies()
    {
        await using var gateway = await StartAsync(
            """{ "Name": "loopback", "Match": { "Addresses": [ "127.0.0.0/8", "::1" ] }, "Action": "Allow" }""", @default: "Deny");

        Assert.Equal(200, (await gateway.AskAsync("forward", Host("a"))).Status);
        Assert.Equal(200, (await gateway.AskAsync("connect", Host("a"))).Status);
        Assert.Equal(403, (await gateway.AskAsync("reverse", Host("a"))).Status);
    }

    [Fact]
    public async Task ReportingSection_LetsEverythingThroughAndCountsByUser()
    {
        await using var gateway = await StartAsync(
            """
            { "Name": "shut", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Deny" },
            { "Name": "later", "Match": { "Hosts": [ "a.localhost" ] }, "Action": "Close" }
            """,
            mode: "ReportOnly", @default: "Deny");
        using var reports = new MetricCollector<long>(gateway.Services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.filter.reports");

        Assert.Equal(200, (await gateway.AskAsync("forward", Host("a"))).Status);
        Assert.Equal(200, (await gateway.AskAsync("reverse", Host("b"))).Status);
        Assert.Equal(
            ["shut alice", "default (anonymous)"],
            reports.GetMeasurementSnapshot().Select(m => $"{m.Tags["rule"]} {m.Tags["user"]}"), StringComparer.Ordinal);
        Assert.Equal(1, gateway.Services.GetRequiredService<RuleHits>().Of("shut").Reported);
        Assert.Equal(0, gateway.Services.GetRequiredService<RuleHits>().Of("later").Reported);
    }

    private string Host(string label) => $"{label}.localhost:{_origin.Address.Port}";

    private async Task<GatewayServer> StartAsync(string rules, string responseRules = "", string mode = "Enforce", string @default = "Allow", string more = "")
    {
        _origin = await OriginServer.StartAsync(endpoints: static app =>
        {
            app.MapGet("/script", static () => Results.Text("alert(1)", "text/javascript"));
            app.MapGet("/large", static () => Results.Text(new string('x', 2000)));
            app.MapGet("/broken", static (HttpContext context) =>
            {
                context.Response.StatusCode = 500;
                context.Response.Headers.XPoweredBy = "guesswork";
                return context.Response.WriteAsync("broken");
            });
        });
        return await GatewayServer.StartAsync(_origin.Address, $$"""
            {{more}}
            "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
            "Filtering": { "Default": "{{@default}}", "Mode": "{{mode}}",
                "Rules": [ {{rules.Replace("PORT", $"{_origin.Address.Port}", StringComparison.Ordinal)}} ],
                "ResponseRules": [ {{responseRules}} ] }
            """);
    }
}
