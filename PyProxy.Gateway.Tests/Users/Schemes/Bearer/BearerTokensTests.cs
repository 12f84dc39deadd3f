using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Schemes;
using PyProxy.Gateway.Users.Schemes.Bearer;

namespace PyProxy.Gateway.Tests.Users.Schemes.Bearer;

public sealed class BearerTokensTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly TokenIssuer _issuer = new();
    private readonly KeySource _source;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<UsersMetrics>().BuildServiceProvider();
    private readonly FakeLogger _log = new();
    private readonly OnlyAlice _users = new();

    public BearerTokensTests() => _source = new KeySource(_issuer);

    public void Dispose()
    {
        _issuer.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task Claims_BecomeUserGroupsAndPlan()
    {
        var tokens = Create(new IssuerOptions { UserClaim = "email", GroupsClaim = "roles", PlanClaim = "tier" });
        var proof = await VerifyAsync(tokens, _issuer.Issue(claims: new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["email"] = "alice@example.test",
            ["roles"] = new[] { "staff", "admins" },
            ["tier"] = "gold",
            ["department"] = "sales",
            ["plan"] = "forged",
        }));

        Assert.Equal("alice@example.test", proof.User!.Name);
        Assert.Equal(["staff", "admins"], proof.User.Groups);
        Assert.Equal("gold", proof.User.Plan);
        Assert.True(proof.User.Principal.IsInRole("admins"));
        Assert.True(proof.User.Principal.HasClaim("department", "sales"));
        Assert.Equal("gold", proof.User.Principal.FindAll(GatewayClaimTypes.Plan).Single().Value);
    }

    [Fact]
    public async Task TokenOfAnUnknownKey_ReadsTheKeysAgain_ButNotMoreOftenThanEveryTenSeconds()
    {
        var tokens = Create();
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, _issuer.Issue())).Outcome);
        _issuer.Rotate();
        var fresh = _issuer.Issue();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(ProofOutcome.Rejected, (await VerifyAsync(tokens, fresh)).Outcome);
        }

        Assert.Equal(1, _source.Reads);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, fresh)).Outcome);
        Assert.Equal(2, _source.Reads);
    }

    [Fact]
    public async Task WithdrawnKey_EndsTokensThatAreRemembered()
    {
        var tokens = Create();
        var old = _issuer.Issue();
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, old)).Outcome);
        _issuer.Rotate();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, _issuer.Issue())).Outcome);

        Assert.Equal(ProofOutcome.Rejected, (await VerifyAsync(tokens, old)).Outcome);
    }

    [Fact]
    public async Task Keys_AreReadAnewFromTimeToTime()
    {
        var tokens = Create(new IssuerOptions { KeyRefresh = TimeSpan.FromMinutes(5) });
        var token = _issuer.Issue();
        await VerifyAsync(tokens, token);
        _time.Advance(TimeSpan.FromMinutes(5));
        await VerifyAsync(tokens, token);
        await _source.SecondRead.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task KeysThatCannotBeRead_LeaveTheOldOnesInForce()
    {
        var tokens = Create();
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, _issuer.Issue())).Outcome);
        _source.Failure = new HttpRequestException("no route");
        _time.Advance(TimeSpan.FromSeconds(10));
        using var stranger = new TokenIssuer();
        Assert.Equal(ProofOutcome.Rejected, (await VerifyAsync(tokens, stranger.Issue())).Outcome);

        Assert.Equal(2, _source.Reads);
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, _issuer.Issue(user: "bob"))).Outcome);
        Assert.Contains("no route", _log.LatestRecord.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoKeysAtAll_IsTheGatewaysFault()
    {
        _source.Failure = new IOException("gone");
        var failure = await Assert.ThrowsAsync<ProxyException>(async () => await VerifyAsync(Create(), _issuer.Issue()));
        Assert.Equal(503, failure.Error.Status);
    }

    [Fact]
    public async Task Token_IsRememberedNoLongerThanItIsInForce()
    {
        var tokens = Create(new IssuerOptions { ClockSkew = TimeSpan.Zero });
        var token = _issuer.Issue(expires: _time.GetUtcNow().UtcDateTime.AddSeconds(30));
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, token)).Outcome);
        Assert.True(tokens.VerifyAsync("Bearer " + token, TestContext.Current.CancellationToken).AsTask().IsCompletedSuccessfully);
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(ProofOutcome.Rejected, (await VerifyAsync(tokens, token)).Outcome);
    }

    [Theory]
    [InlineData(true, "alice", ProofOutcome.Accepted)]
    [InlineData(true, "bob", ProofOutcome.Rejected)]
    [InlineData(false, "bob", ProofOutcome.Accepted)]
    public async Task Account_IsNeededWhereTheConfigurationSaysSo(bool required, string user, object outcome)
    {
        var proof = await VerifyAsync(Create(new IssuerOptions { RequireAccount = required }), _issuer.Issue(user));

        Assert.Equal(outcome, proof.Outcome);
        Assert.Equal(required && user == "alice" ? "of-the-store" : null, proof.User?.Plan);
    }

    [Fact]
    public async Task RememberedToken_IsRefusedOnceItsAccountIsDisabled()
    {
        var tokens = Create(new IssuerOptions { RequireAccount = true });
        var token = _issuer.Issue();
        Assert.Equal(ProofOutcome.Accepted, (await VerifyAsync(tokens, token)).Outcome);
        _users.IsDisabled = true;

        Assert.Equal(ProofOutcome.Rejected, (await VerifyAsync(tokens, token)).Outcome);
    }

    private static async Task<Proof> VerifyAsync(BearerTokens tokens, string token)
        => await tokens.VerifyAsync("Bearer " + token, TestContext.Current.CancellationToken);

    private BearerTokens Create(IssuerOptions? issuer = null)
    {
        issuer ??= new IssuerOptions();
        var options = new BearerOptions
        {
            Issuers = new Dictionary<string, IssuerOptions>(StringComparer.Ordinal)
            {
                ["test"] = new()
                {
                    Issuer = TokenIssuer.Name,
                    Audiences = [TokenIssuer.Audience],
                    JwksFile = "keys.json",
                    UserClaim = issuer.UserClaim,
                    GroupsClaim = issuer.GroupsClaim,
                    PlanClaim = issuer.PlanClaim,
                    KeyRefresh = issuer.KeyRefresh,
                    ClockSkew = issuer.ClockSkew,
                    RequireAccount = issuer.RequireAccount,
                },
            },
        };
        return new BearerTokens(
            options,
            issuer => new Issuer(issuer, new SigningKeys(issuer.JwksFile!, _source, _services.GetRequiredService<UsersMetrics>(), _time, _log), _time),
            new TokenCache(_time),
            _users);
    }

    private sealed class KeySource(TokenIssuer issuer) : IKeySetReader
    {
        private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Reads { get; private set; }

        public Exception? Failure { get; set; }

        public Task SecondRead => _second.Task;

        public Task<IReadOnlyList<SecurityKey>> ReadAsync(string source, CancellationToken cancellationToken)
        {
            if (++Reads == 2)
            {
                _second.SetResult();
            }

            return Failure is null
                ? Task.FromResult<IReadOnlyList<SecurityKey>>([.. new JsonWebKeySet(issuer.KeySet()).GetSigningKeys()])
                : Task.FromException<IReadOnlyList<SecurityKey>>(Failure);
        }
    }

    private sealed class OnlyAlice : IUserLookup
    {
        private readonly KnownUser _alice = new("alice", [], "of-the-store");

        public bool IsDisabled { get; set; }

        public string Realm => "test";

        public ValueTask<KnownUser?> FindAsync(string userName, CancellationToken cancellationToken) => new(userName == "alice" && !IsDisabled ? _alice : null);

        public KnownUser? FindVerifiedApiKey(string key) => null;

        public ValueTask<KnownUser?> FindByApiKeyAsync(string key, CancellationToken cancellationToken) => new((KnownUser?)null);

        public KnownUser? FindVerified(ReadOnlySpan<byte> userName, ReadOnlySpan<byte> password) => null;

        public ValueTask<KnownUser?> VerifyPasswordAsync(string userName, string password, CancellationToken cancellationToken) => new((KnownUser?)null);
    }
}
