using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using PyProxy.Gateway.Commands;
using PyProxy.Gateway.Tests.Admin;
using PyProxy.Gateway.Tests.Filtering;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Explain;

/// <summary>What an answer says beyond its verdict; asked of a running gateway, and by the command over the same file.</summary>
public sealed class ExplainerTests(ExplainerTests.Fixture fixture) : IClassFixture<ExplainerTests.Fixture>
{
    [Fact]
    public async Task DecidingRule_IsToldWithPathAndLine()
    {
        var answer = await fixture.ExplainAsync("""{ "target": "ads.example:443", "user": "alice", "from": "10.1.2.3" }""");
        var line = File.ReadLines(fixture.Gateway.ConfigurationPath).TakeWhile(text => !text.Contains("\"no-ads\"", StringComparison.Ordinal)).Count() + 1;

        Assert.Equal("refused", (string?)answer["verdict"]);
        Assert.Equal("$.Gateway.Filtering.Rules[1]", (string?)answer["decidedBy"]!["place"]!["jsonPath"]);
        Assert.Equal(line, (int?)answer["decidedBy"]!["place"]!["line"]);
        Assert.Equal("No advertising.", (string?)answer["decidedBy"]!["message"]);
    }

    [Fact]
    public async Task RuleThatDoesNotMatch_SaysWhatItWantsAndWhatThereIs()
    {
        var answer = await fixture.ExplainAsync("""{ "target": "ads.example:443", "user": "alice", "from": "10.1.2.3" }""");
        var lab = answer["rules"]![0]!;

        Assert.Equal("noMatch", (string?)lab["result"]);
        Assert.Equal(("10.9.0.0/16", "10.1.2.3"), ((string?)lab["why"]![0]!["wants"], (string?)lab["why"]![0]!["is"]));
        Assert.Equal(2, answer["rules"]!.AsArray().Count); // the rules behind the one that decides are not looked at
    }

    [Fact]
    public async Task ValueOfAField_IsNotTold()
    {
        var answer = await fixture.ExplainAsync("""{ "target": "http://other.example/", "user": "alice", "headers": { "X-Key": "wrong" }, "addresses": [ "192.0.2.1" ] }""");

        Assert.DoesNotContain("geheim", answer.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("X-Key, a certain value", answer.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TimeOfTheQuestion_IsTheTimeOfItsRules()
    {
        var sunday = await fixture.ExplainAsync("""{ "target": "games.example:443", "user": "alice", "at": "2026-03-01T09:00", "addresses": [ "192.0.2.1" ] }""");
        var monday = await fixture.ExplainAsync("""{ "target": "games.example:443", "user": "alice", "at": "2026-03-02T09:00+01:00", "addresses": [ "192.0.2.1" ] }""");

        Assert.Equal(("allowed", "refused"), ((string?)sunday["verdict"], (string?)monday["verdict"]));
    }

    [Fact]
    public async Task SupposedAddresses_AreVettedAsIfTheyWereDialed()
    {
        var inside = await fixture.ExplainAsync("""{ "target": "host.example:443", "user": "alice", "addresses": [ "198.51.100.7" ] }""");
        var some = await fixture.ExplainAsync("""{ "target": "host.example:443", "user": "alice", "addresses": [ "198.51.100.7", "192.0.2.1", "10.0.0.1" ] }""");

        Assert.Equal("inside", (string?)inside["decidedBy"]!["name"]);
        Assert.Equal("allowed", (string?)some["verdict"]);
        Assert.Equal(
            ["198.51.100.7 False inside", "192.0.2.1 True ", "10.0.0.1 False "],
            some["egress"]!["addresses"]!.AsArray().Select(a => $"{a!["address"]} {(bool)a["dialed"]!} {a["rule"]}"), StringComparer.Ordinal);
    }

    [Fact]
    public async Task ResponseRules_AreAskedWhereThereIsAResponse()
    {
        var answer = await fixture.ExplainAsync(
            """{ "target": "http://host.example/", "user": "alice", "addresses": [ "192.0.2.1" ], "status": 200, "responseHeaders": { "Content-Type": "text/javascript; charset=utf-8" } }""");

        Assert.Equal(("refused", "no-scripts"), ((string?)answer["verdict"], (string?)answer["decidedBy"]!["name"]));
    }

    [Fact]
    public async Task AnonymousClient_IsToldToAuthenticate_WhereTheEndpointAsks()
    {
        var asked = await fixture.ExplainAsync("""{ "target": "http://host.example/", "endpoint": "Proxy" }""");
        var open = await fixture.ExplainAsync("""{ "target": "http://host.example/", "endpoint": "Open", "addresses": [ "192.0.2.1" ] }""");

        Assert.Equal(("unauthenticated", 407), ((string?)asked["verdict"], (int?)asked["status"]));
        Assert.Equal("allowed", (string?)open["verdict"]);
    }

    [Theory]
    [InlineData("""{ "target": "host.example" }""", "CONNECT has to be")]
    [InlineData("""{ "target": "ftp://host.example/" }""", "target: ")]
    [InlineData("""{ "target": "host.example:443", "method": "GET" }""", "target: ")]
    [InlineData("""{ "target": "host.example:443", "at": "soon" }""", "at: ")]
    [InlineData("""{ "target": "host.example:443", "from": "here" }""", "from: ")]
    [InlineData("""{ "target": "host.example:443", "endpoint": "Porxy" }""", "endpoint: there is no endpoint")]
    [InlineData("""{ "target": "host.example:443", "wayIn": "reverse" }""", "wayIn: ")]
    [InlineData("""{ "target": "host.example:443", "groups": [ "x" ] }""", "user: ")]
    [InlineData("""{ "target": "http://a/", "bodySize": -1 }""", "bodySize: ")]
    [InlineData("""{ "target": "http://a/", "headers": { "a b": "c" } }""", "headers: ")]
    [InlineData("""{ "target": "http://a/", "status": 7 }""", "status: ")]
    public async Task QuestionThatMakesNoSense_IsToldWhere(string question, string expected)
    {
        using var admin = new AdminClient(fixture.Gateway);
        var (status, body) = await admin.SendAsync(HttpMethod.Post, "/explain", question);

        Assert.Contains(expected, body!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(expected.StartsWith("CONNECT", StringComparison.Ordinal) ? HttpStatusCode.OK : HttpStatusCode.BadRequest, status);
    }

    [Fact]
    public async Task UsedUpLimit_IsWhatTheNextRequestIsRefusedBy()
    {
        var (before, after, refused) = await UseUpAsync("""{ "Rates": [ "2/h" ], "Tunnels": 3 }""");

        Assert.Equal(("allowed", 1), ((string?)before["verdict"], (int?)before["limits"]![0]!["left"]));
        Assert.Equal("limited", (string?)after["verdict"]);
        Assert.Equal(429, refused.Status);
        Assert.Equal((string?)after["decidedBy"]!["name"], (string?)JsonNode.Parse(refused.Body)!["decidedBy"]);
    }

    [Fact]
    public async Task UsedUpQuota_IsWhatTheNextRequestIsRefusedBy()
    {
        var (before, after, refused) = await UseUpAsync("""{ "Quotas": [ "2 requests/day" ] }""");

        Assert.Equal(("allowed", 2, 1), ((string?)before["verdict"], (int?)before["limits"]![0]!["allowed"], (int?)before["limits"]![0]!["left"]));
        Assert.Equal(("limited", 0), ((string?)after["verdict"], (int?)after["limits"]![0]!["left"]));
        Assert.Equal(((int?)after["status"], (string?)after["decidedBy"]!["name"]), (refused.Status, (string?)JsonNode.Parse(refused.Body)!["decidedBy"]));
    }

    [Fact]
    public async Task Command_PrintsTheVerdictFirst()
    {
        var (exit, output, _) = await RunAsync("--user", "alice", "--method", "CONNECT", "--target", "ads.example:443", "--at", "2026-03-01T09:00", "--from", "10.1.2.3");

        Assert.Equal(0, exit);
        Assert.StartsWith("REFUSED 403  The rule \"no-ads\" refuses it.", output, StringComparison.Ordinal);
        Assert.Contains("$.Gateway.Filtering.Rules[1]", output, StringComparison.Ordinal);
        Assert.Contains("no: ClientAddresses wants 10.9.0.0/16; here: 10.1.2.3", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CommandsJson_IsTheAdminApisAnswer()
    {
        var (exit, output, _) = await RunAsync("--user", "alice", "--target", "ads.example:443", "--at", "2026-03-01T09:00", "--from", "10.1.2.3", "--json");
        var byAdmin = await fixture.ExplainAsync("""{ "target": "ads.example:443", "user": "alice", "at": "2026-03-01T09:00", "from": "10.1.2.3" }""");

        Assert.Equal(0, exit);
        Assert.Equal(byAdmin.ToJsonString(), JsonNode.Parse(output)!.ToJsonString());
    }

    [Fact]
    public async Task CommandThatMakesNoSense_NamesTheOption()
    {
        var (exit, _, error) = await RunAsync("--target", "ads.example:443", "--at", "soon");

        Assert.Equal(64, exit);
        Assert.StartsWith("--at: \"soon\" is no time", error, StringComparison.Ordinal);
    }

    /// <summary>Asks to be explained after the first and after the second request of a user whose plan allows two, and then asks for a third.</summary>
    private static async Task<(JsonNode Before, JsonNode After, Answer Refused)> UseUpAsync(string plan)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            $$""" "Plans": { "tiny": {{plan}} }, "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ] } """,
            text => text.Replace("\"alice\": {", "\"alice\": { \"Plan\": \"tiny\",", StringComparison.Ordinal));
        using var admin = new AdminClient(gateway);
        var question = $$"""{ "target": "http://{{origin.Address.Authority}}/", "user": "alice" }""";

        Assert.Equal(200, (await gateway.AskAsync("forward", origin.Address.Authority)).Status);
        var (_, before) = await admin.SendAsync(HttpMethod.Post, "/explain", question);
        Assert.Equal(200, (await gateway.AskAsync("forward", origin.Address.Authority)).Status);
        var (_, after) = await admin.SendAsync(HttpMethod.Post, "/explain", question);
        return (before!, after!, await gateway.AskAsync("forward", origin.Address.Authority));
    }

    private async Task<(int Exit, string Output, string Error)> RunAsync(params string[] arguments)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var exit = await GatewayCommands.RunAsync(
            ["explain", "--config", fixture.Gateway.ConfigurationPath, .. arguments], Program.Create(), new InvocationConfiguration { Output = output, Error = error });
        return (exit, output.ToString(), error.ToString());
    }

    public sealed class Fixture : IAsyncLifetime
    {
        internal GatewayServer Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await GatewayServer.StartAsync(gateway: """
            "Filtering": {
              "Rules": [
                { "Name": "lab", "Match": { "ClientAddresses": [ "10.9.0.0/16" ] }, "Action": "Allow" },
                { "Name": "no-ads", "Match": { "Hosts": [ "ads.example" ] }, "Action": "Deny", "Message": "No advertising." },
                { "Name": "workdays", "Match": { "Hosts": [ "games.example" ], "Not": { "Time": { "Days": [ "Saturday", "Sunday" ] } } }, "Action": "Deny" },
                { "Name": "inside", "Match": { "Addresses": [ "198.51.100.0/24" ] }, "Action": "Deny" },
                { "Name": "secret", "Match": { "Headers": [ { "Name": "X-Key", "Exact": [ "geheim" ] } ] }, "Action": "Deny" }
              ],
              "ResponseRules": [ { "Name": "no-scripts", "Match": { "Response": { "ContentTypes": [ "text/javascript" ] } }, "Action": "Deny" } ] },
            "Egress": { "AllowedAddresses": [ "192.0.2.0/24", "198.51.100.0/24" ] }
            """);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();

        internal async Task<JsonNode> ExplainAsync(string question)
        {
            using var admin = new AdminClient(Gateway);
            var (status, body) = await admin.SendAsync(HttpMethod.Post, "/explain", question);
            Assert.True(status == HttpStatusCode.OK, $"{status}: {body}");
            return body!;
        }
    }
}
