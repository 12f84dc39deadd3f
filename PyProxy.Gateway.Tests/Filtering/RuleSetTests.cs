using System.Net;
using PyProxy.Gateway.Filtering;

namespace PyProxy.Gateway.Tests.Filtering;

public sealed class RuleSetTests
{
    private static readonly RuleSet Rules = new(new FilteringOptions
    {
        Rules =
        [
            Rule("except", ["good.ads.example"], []),
            Rule("ads", ["*.ads.example", "ads.example"], []),
            Rule("lab", [], ["10.1.0.0/16", "2001:db8::/32"]),
            Rule("both", ["bücher.example"], ["192.0.2.0/24"]),
            Rule("late", ["*.example"], []),
            Rule("literal", ["::1", "127.0.0.1"], []),
        ],
    });

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
    [InlineData("", "203.0.113.1", null)]
    public void FirstMatchByOrder_Decides(string host, string client, string? rule)
        => Assert.Equal(rule, Rules.FirstMatch(host, IPAddress.Parse(client), 0)?.Name);

    [Fact]
    public void UnknownClient_MatchesNoRuleAboutClients() => Assert.Null(Rules.FirstMatch("other.test", null, 0));

    private static RuleOptions Rule(string name, string[] hosts, string[] clients)
        => new() { Name = name, Action = FilterAction.Deny, Match = new() { Hosts = hosts, ClientAddresses = clients } };
}
