using System.Net;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Filtering;

public sealed class RuleSetTests
{
    private static readonly RuleSet Rules = Compile(
        Rule("except", new() { Hosts = ["good.ads.example"] }),
        Rule("ads", new() { Hosts = ["*.ads.example", "ads.example"] }),
        Rule("lab", new() { ClientAddresses = ["10.1.0.0/16", "2001:db8::/32"] }),
        Rule("both", new() { Hosts = ["bücher.example"], ClientAddresses = ["192.0.2.0/24"] }),
        Rule("late", new() { Hosts = ["*.example"] }),
        Rule("literal", new() { Hosts = ["::1", "127.0.0.1"] }),
        Rule("any", new() { Any = [new() { Hosts = ["one.test"] }, new() { Hosts = ["*.two.test"], Ports = ["443"] }] }),
        Rule("not", new() { Not = new() { Hosts = ["other.test", "one.test", "*.two.test"] }, Methods = ["POST"] }));

    [Theory]
    [InlineData("good.ads.example", "203.0.113.1", "except")]
    [InlineData("x.good.ads.example", "203.0.113.1", "ads")]
    [InlineData("ads.example", "203.0.113.1", "ads")]
    [InlineData("notads.example", "203.0.113.1", "late")]
    [InlineData("example", "203.0.113.1", null)]
    [InlineData("ads.example.org", "203.0.113.1", null)]
    [InlineData("other.test", "10.1.2.3", "lab")]
    [InlineData("ads.example", "10.1.2.3", "ads")]
    [InlineData("other.test", "2001:db8:1::1", "lab")]
    [InlineData("xn--bcher-kva.example", "192.0.2.7", "both")]
    [InlineData("xn--bcher-kva.example", "203.0.113.1", "late")]
    [InlineData("::1", "203.0.113.1", "literal")]
    [InlineData("one.test", "203.0.113.1", "any")]
    [InlineData("a.two.test", "203.0.113.1", "any")]
    [InlineData("", "203.0.113.1", null)]
    public void FirstMatchByOrder_Decides(string host, string client, string? rule)
        => Assert.Equal(rule, Rules.FirstMatch(Question(host, client), 0, out _)?.Name);

    [Fact]
    public void RulesWithoutHosts_AreAskedForEveryHost()
        => Assert.Equal("not", Rules.FirstMatch(Question("far.test", "203.0.113.1", "POST"), 0, out _)?.Name);

    [Fact]
    public void UnknownClient_MatchesNoRuleAboutClients() => Assert.Null(Rules.FirstMatch(Question("other.test", client: null), 0, out _));

    private static Facts Question(string host, string? client, string method = "CONNECT") => new()
    {
        WayIn = WayIn.Connect,
        Method = method,
        Host = host,
        Port = 443,
        Client = client is null ? null : IPAddress.Parse(client),
        Now = DateTimeOffset.UnixEpoch,
    };

    private static RuleOptions Rule(string name, MatchOptions match) => new() { Name = name, Action = FilterAction.Deny, Match = match };

    private static RuleSet Compile(params RuleOptions[] rules)
    {
        var errors = new ConfigurationErrors();
        var compiled = new RuleCompiler(errors, new ListRegistry(), new RuleHits()).Compile(rules, "Rules");
        Assert.Empty(errors.All);
        return new RuleSet(compiled);
    }
}
