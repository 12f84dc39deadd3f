using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress.Profiles;

public sealed class EgressChooserTests : IAsyncDisposable
{
    private readonly EgressFixture _egress = new(
    [
        Source("rule", "192.0.2.1"), Source("user", "192.0.2.2"), Source("plan", "192.0.2.3"), Source("fallback", "192.0.2.4"),
        Source("two", "192.0.2.5"), Source("two", "192.0.2.6", 1),
        new("Gateway:Egress:DefaultProfile", "fallback"),
        new("Gateway:Egress:SourceAddress", "192.0.2.9"),
    ]);

    private EgressChooser Chooser => _egress.Get<EgressChooser>();

    [Theory]
    [InlineData("rule", "user", "plan", "rule", "Rule", "192.0.2.1")]
    [InlineData(null, "user", "plan", "user", "User", "192.0.2.2")]
    [InlineData(null, null, "plan", "plan", "Plan", "192.0.2.3")]
    [InlineData(null, null, null, "fallback", "Default", "192.0.2.4")]
    [InlineData("DIRECT", "user", "plan", "direct", "Rule", "192.0.2.9")]
    public void RuleComesBeforeUser_UserBeforePlan_PlanBeforeDefault(
        string? rule, string? user, string? plan, string profile, string by, string source)
    {
        var exchange = Exchange(rule, user, plan);

        var preview = Chooser.Preview(exchange);
        var choice = Chooser.Choose(exchange);

        Assert.Equal((profile, by), (preview.Profile.Name, preview.By.ToString()));
        Assert.Equal(source, preview.Source.ToString());
        Assert.Equal((profile, source), (choice.Profile.Name, choice.Source.V4!.ToString()));
    }

    [Fact]
    public void Profile_ThatThereIsNot_IsRefused_AndNotReplacedByTheDefault()
    {
        var error = Assert.Throws<ProxyException>(() => Chooser.Choose(Exchange(null, "gone", null))).Error;

        Assert.Equal((500, "proxy_configuration_error", "Gateway:Egress:Profiles"), (error.Status, error.Token, error.Setting));
    }

    [Fact]
    public void Preview_TakesNoTurn()
    {
        var exchange = Exchange("two", null, null);
        string[] seen = [Peek(), Peek(), Choose(), Peek(), Choose()];

        Assert.Equal(["192.0.2.5", "192.0.2.5", "192.0.2.5", "192.0.2.6", "192.0.2.6"], seen, StringComparer.Ordinal);

        string Peek() => Chooser.Preview(exchange).Source.ToString();
        string Choose() => Chooser.Choose(exchange).Source.V4!.ToString();
    }

    [Fact]
    public void Exchanges_ThatDifferInSourceProfileOrCondition_ShareNoConnections()
    {
        var first = Chooser.Choose(Exchange("two", null, null));
        var second = Chooser.Choose(Exchange("two", null, null));
        var third = Chooser.Choose(Exchange("two", null, null));
        var conditional = Exchange("user", null, null);
        conditional.AddressCondition = new Anything();

        Assert.NotEqual(first.Pool, second.Pool);
        Assert.Equal(first.Pool, third.Pool);
        Assert.NotEqual(first.Pool, Chooser.Choose(Exchange("user", null, null)).Pool);
        Assert.NotEqual(Chooser.Choose(conditional).Pool, Chooser.Choose(Exchange("user", null, null)).Pool);
    }

    [Theory]
    [InlineData("StickyPerUser", "alice", "b.example", true)]
    [InlineData("StickyPerUser", "bob", "a.example", false)]
    [InlineData("StickyPerTarget", "bob", "a.example", true)]
    [InlineData("StickyPerTarget", "alice", "b.example", false)]
    public async Task StickySource_IsTheSame_ForTheSameUserOrHost(string selection, string user, string host, bool same)
    {
        // With very many addresses another user or host has another one for all that one may expect.
        await using var egress = new EgressFixture(
        [
            new("Gateway:Egress:Profiles:sticky:SourceSelection", selection),
            .. Enumerable.Range(1, 250).Select(i => Source("sticky", $"192.0.2.{i}", i)),
        ]);
        var chooser = egress.Get<EgressChooser>();

        var first = chooser.Choose(Exchange("sticky", null, null, "alice", "a.example")).Source;
        var other = chooser.Choose(Exchange("sticky", null, null, user, host)).Source;

        Assert.Equal(same, first == other);
    }

    [Fact]
    public async Task RandomSource_IsOneOfTheProfiles_AndNotAlwaysTheSame()
    {
        string[] addresses = [.. Enumerable.Range(1, 8).Select(static i => $"192.0.2.{i}")];
        await using var egress = new EgressFixture(
        [
            new("Gateway:Egress:Profiles:any:SourceSelection", "Random"),
            .. addresses.Select(static (address, i) => Source("any", address, i)),
        ]);
        var chooser = egress.Get<EgressChooser>();

        // That 200 choices leave one of eight out happens once in 10^10 runs.
        var chosen = Enumerable.Range(0, 200).Select(_ => chooser.Choose(Exchange("any", null, null)).Source.ToString()).ToHashSet(StringComparer.Ordinal);

        Assert.Equal(addresses, chosen.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("PreferIPv4", "192.0.2.1 2001:db8::1")]
    [InlineData("PreferIPv6", "2001:db8::1 192.0.2.1")]
    [InlineData("OnlyIPv4", "192.0.2.1 192.0.2.2")]
    [InlineData("OnlyIPv6", "2001:db8::1 2001:db8::2")]
    public async Task FamilyOfAProfile_IsDialedFirst_AndTheOtherOneWhereItIsPreferredAndNotAlone(string family, string dialed)
    {
        await using var egress = new EgressFixture(
        [
            EgressFixture.Allow("192.0.2.0/24"), EgressFixture.Allow("2001:db8::/32", 1), EgressFixture.NoRetry,
            new("Gateway:Egress:Profiles:p:AddressFamily", family),
        ]);
        string[] all = ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"];
        foreach (var address in all)
        {
            egress.Connector.Fail(address, SocketError.ConnectionRefused);
        }

        // The order of the resolver is the other one each time.
        egress.Resolver.Answer("both.example", family.EndsWith('6') ? all : [all[1], all[0], all[3], all[2]]);
        var request = new DialRequest(new HostPort("both.example", 80), DialPurpose.Forward) { Profile = egress.Runtime.Current.Profiles["p"] };

        var failure = await Assert.ThrowsAsync<ProxyException>(() => egress.Dialer.ConnectAsync(request, TestContext.Current.CancellationToken).AsTask());

        Assert.Equal("connection_refused", failure.Error.Token);
        Assert.Equal(dialed.Split(' '), egress.Connector.Dialed.Take(2).Select(static e => e.Address.ToString()), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Dial_LeavesFromTheProfilesAddress_AndByItsFamily()
    {
        await using var egress = new EgressFixture(
        [
            EgressFixture.Allow("192.0.2.0/24"), EgressFixture.Allow("2001:db8::/32", 1),
            Source("four", "127.0.0.5"),
            new("Gateway:Egress:Profiles:four:AddressFamily", "OnlyIPv4"),
            new("Gateway:Egress:Profiles:six:AddressFamily", "OnlyIPv6"),
        ]);
        using var origin = new Origin();
        egress.Connector.Destination = origin.EndPoint;
        egress.Resolver.Answer("both.example", "2001:db8::1", "192.0.2.1").Answer("four.example", "192.0.2.1");
        var four = egress.Get<EgressChooser>().Choose(Exchange("four", null, null));

        var request = new DialRequest(new HostPort("both.example", 80), DialPurpose.Forward) { Profile = four.Profile, Source = four.Source };
        await using var connection = await egress.Dialer.ConnectAsync(request, TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<ProxyException>(() => egress.Dialer.ConnectAsync(
            request with { Target = new HostPort("four.example", 80), Profile = egress.Runtime.Current.Profiles["six"], Source = default },
            TestContext.Current.CancellationToken).AsTask());

        Assert.Equal(("192.0.2.1", "127.0.0.5"), (Assert.Single(egress.Connector.Dialed).Address.ToString(), Assert.Single(egress.Connector.Sources)!.ToString()));
        Assert.Equal("destination_ip_unroutable", failure.Error.Token);
    }

    public ValueTask DisposeAsync() => _egress.DisposeAsync();

    private static KeyValuePair<string, string?> Source(string profile, string address, int index = 0)
        => new($"Gateway:Egress:Profiles:{profile}:SourceAddresses:{index}", address);

    private static Exchange Exchange(string? rule, string? user, string? plan, string name = "alice", string host = "a.example") => new()
    {
        Id = "1",
        Role = ListenerRole.Forward,
        ClientAddress = IPAddress.Loopback,
        Target = new HostPort(host, 443),
        Account = new KnownUser(name, [], plan: null) { EgressProfile = user },
        EgressProfile = rule,
        EgressProfileByPlan = plan,
    };

    private sealed class Anything : IAddressCondition
    {
        public bool Equals(IAddressCondition? other) => ReferenceEquals(this, other);

        public override bool Equals(object? obj) => Equals(obj as IAddressCondition);

        public override int GetHashCode() => 1;

        public ProxyError? Vet(List<IPEndPoint> endPoints) => null;
    }
}
