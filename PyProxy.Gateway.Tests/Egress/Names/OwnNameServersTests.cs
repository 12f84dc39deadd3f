using System.Net;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress.Names;

/// <summary>Name servers of a profile, over real sockets.</summary>
public sealed class OwnNameServersTests : IAsyncLifetime
{
    private readonly TestNameServer _first = TestNameServer.Start();
    private readonly TestNameServer _second = TestNameServer.Start();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Fact]
    public async Task Profile_AsksItsOwnNameServer_AndRemembersForAsLongAsTheAnswerSays()
    {
        _first.Hosts["a.example"] = ["198.51.100.7", "2001:db8::7"];
        await using var egress = Fixture();

        Assert.Equal(["2001:db8::7", "198.51.100.7"], await ResolveAsync(egress, "a.example"), StringComparer.Ordinal);
        egress.Time.Advance(TimeSpan.FromSeconds(59));
        await ResolveAsync(egress, "a.example");
        Assert.Equal(2, _first.Asked.Count); // A and AAAA, once
        egress.Time.Advance(TimeSpan.FromSeconds(2));
        await ResolveAsync(egress, "a.example");

        Assert.Equal(4, _first.Asked.Count);
        Assert.Empty(egress.Resolver.Asked); // the gateway's own was not asked
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(3600, 100)]
    public async Task TimeToLive_IsHeldWithinBounds(int told, int remembered)
    {
        _first.Hosts["a.example"] = ["198.51.100.7"];
        _first.TimeToLive = told;
        await using var egress = Fixture(("Dns:MinimumTtl", "00:00:03"), ("Dns:MaximumTtl", "00:01:40"));

        await ResolveAsync(egress, "a.example");
        egress.Time.Advance(TimeSpan.FromSeconds(remembered - 1));
        await ResolveAsync(egress, "a.example");
        Assert.Equal(2, _first.Asked.Count);
        egress.Time.Advance(TimeSpan.FromSeconds(2));
        await ResolveAsync(egress, "a.example");

        Assert.Equal(4, _first.Asked.Count);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 2)]
    public async Task ServerThatIsSilentOrFails_IsFollowedByTheNextOne(bool silent, int failure)
    {
        (_first.IsSilent, _first.Failure) = (silent, failure);
        _second.Hosts["a.example"] = ["198.51.100.8"];
        await using var egress = Fixture(("Dns:ServerTimeout", "00:00:00.100"));

        Assert.Equal(["198.51.100.8"], await ResolveAsync(egress, "a.example"), StringComparer.Ordinal);
        Assert.NotEmpty(_first.Asked);
    }

    [Fact]
    public async Task AnswerThatDoesNotFit_IsAskedForOverTcp()
    {
        _first.Hosts["a.example"] = ["198.51.100.7"];
        _first.Truncates = true;
        await using var egress = Fixture();

        Assert.Equal(["198.51.100.7"], await ResolveAsync(egress, "a.example"), StringComparer.Ordinal);
        Assert.Equal(["tcp", "udp"], _first.Asked.Select(a => a.Transport).Distinct().Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public async Task TransportTcp_AsksOverNothingElse()
    {
        _first.Hosts["a.example"] = ["198.51.100.7"];
        await using var egress = Fixture(("Dns:Transport", "Tcp"));

        Assert.Equal(["198.51.100.7"], await ResolveAsync(egress, "a.example"), StringComparer.Ordinal);
        Assert.All(_first.Asked, asked => Assert.Equal("tcp", asked.Transport));
    }

    [Fact]
    public async Task NameThatDoesNotExist_IsADnsError_AndTheNextServerIsNotBelievedToKnowBetter()
    {
        _second.Hosts["a.example"] = ["198.51.100.8"];
        await using var egress = Fixture();

        var failure = await Assert.ThrowsAsync<ProxyException>(() => ResolveAsync(egress, "a.example"));

        Assert.Equal(("dns_error", 502), (failure.Error.Token, failure.Error.Status));
        Assert.Empty(_second.Asked);
    }

    [Fact]
    public async Task NoServerAnswers_IsADnsTimeout()
    {
        _first.IsSilent = _second.IsSilent = true;
        await using var egress = Fixture(("Dns:ServerTimeout", "00:00:00.050"));

        var failure = await Assert.ThrowsAsync<ProxyException>(() => ResolveAsync(egress, "a.example"));

        Assert.Equal(("dns_timeout", 504), (failure.Error.Token, failure.Error.Status));
    }

    [Fact]
    public async Task PrivateAddressOfAnOwnServer_IsProhibitedLikeAnyOther()
    {
        _first.Hosts["inner.example"] = ["10.1.2.3"];
        await using var egress = Fixture();

        var failure = await Assert.ThrowsAsync<ProxyException>(() => ResolveAsync(egress, "inner.example"));

        Assert.Equal("destination_ip_prohibited", failure.Error.Token);
    }

    [Fact]
    public async Task StaticHost_IsAnsweredFromTheTable_AndVetted()
    {
        await using var egress = Fixture(("Dns:Hosts:Fixed.Example:0", "198.51.100.9"), ("Dns:Hosts:inner.example:0", "10.1.2.3"));

        Assert.Equal(["198.51.100.9"], await ResolveAsync(egress, "fixed.example"), StringComparer.Ordinal);
        var failure = await Assert.ThrowsAsync<ProxyException>(() => ResolveAsync(egress, "inner.example"));

        Assert.Equal("destination_ip_prohibited", failure.Error.Token);
        Assert.Empty(_first.Asked);
    }

    [Fact]
    public async Task Reload_ThatDoesNotTouchTheProfile_KeepsWhatIsRemembered()
    {
        _first.Hosts["a.example"] = ["198.51.100.7"];
        await using var egress = Fixture();
        await ResolveAsync(egress, "a.example");

        egress.Reload("Gateway:Egress:ConnectTimeout", "00:00:09");
        await ResolveAsync(egress, "a.example");
        Assert.Equal(2, _first.Asked.Count);
        egress.Reload("Gateway:Egress:Profiles:own:Dns:MinimumTtl", "00:00:02");
        await ResolveAsync(egress, "a.example");

        Assert.Equal(4, _first.Asked.Count);
    }

    private EgressFixture Fixture(params (string Key, string Value)[] more) => new(
    [
        // The table's addresses are of ranges for documentation, which are no public destinations.
        EgressFixture.Allow("198.51.100.0/24"),
        EgressFixture.Allow("2001:db8::/32", 1),
        new("Gateway:Egress:Profiles:own:Dns:Servers:0", _first.EndPoint.ToString()),
        new("Gateway:Egress:Profiles:own:Dns:Servers:1", _second.EndPoint.ToString()),
        .. more.Select(m => new KeyValuePair<string, string?>($"Gateway:Egress:Profiles:own:{m.Key}", m.Value)),
    ]);

    private static async Task<IEnumerable<string>> ResolveAsync(EgressFixture egress, string name)
    {
        var request = new DialRequest(new HostPort(name, 80), DialPurpose.Forward) { Profile = egress.Runtime.Current.Profiles["own"] };
        var endPoints = await egress.Dialer.ResolveAsync(request, TestContext.Current.CancellationToken).AsTask().WaitAsync(EgressFixture.Patience);
        return endPoints.Select(static (IPEndPoint e) => e.Address.ToString());
    }
}
