using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Privacy;

public sealed class PrivacySnapshotTests
{
    private static readonly PrivacySnapshot Snapshot = new(new PrivacyOptions
    {
        Profiles =
        {
            ["rule"] = new PrivacyProfileOptions(), ["user"] = new PrivacyProfileOptions(), ["group"] = new PrivacyProfileOptions(),
            ["endpoint"] = new PrivacyProfileOptions(),
        },
        Users = { ["alice"] = "user" },
        Groups = { ["staff"] = "group" },
        Endpoints = { ["Proxy"] = "endpoint" },
    });

    [Fact]
    public void Nearest_Wins()
    {
        var byRule = Profile("alice", "Proxy", rule: "RULE");
        var byUser = Profile("alice", "Proxy");
        var byGroup = Profile("bob", "Proxy");
        var byEndpoint = Profile(user: null, "proxy");
        var bySection = Profile(user: null, "Other");

        PrivacyProfile?[] all = [byRule, byUser, byGroup, byEndpoint, bySection];
        Assert.DoesNotContain(null, all);
        Assert.Equal(5, all.Distinct().Count());
    }

    [Fact]
    public void Reverse_HasOneOnlyFromARuleOrItsEndpoint()
    {
        Assert.Null(Profile("alice", "Other", WayIn.Reverse));
        Assert.Same(Profile(user: null, "Proxy"), Profile("alice", "Proxy", WayIn.Reverse));
        Assert.Same(Profile("alice", "Other", rule: "rule"), Profile("alice", "Other", WayIn.Reverse, "rule"));
    }

    private static PrivacyProfile? Profile(string? user, string endpoint, WayIn wayIn = WayIn.Forward, string? rule = null) => Snapshot.ProfileOf(new Exchange
    {
        Id = "1",
        Role = ListenerRole.Forward,
        Endpoint = endpoint,
        WayIn = wayIn,
        Account = user is null ? null : new KnownUser(user, ["staff"], plan: null),
        PrivacyProfile = rule,
    });
}
