using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Listeners;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Tests.Users;

public sealed class CredentialVerifierTests
{
    private static readonly string Hash = PasswordHash.Create("secret").ToString();
    private readonly FakeTimeProvider _time = new();
    private readonly StaticOptions<UsersOptions> _options = new(Options("secret-unused"));

    [Fact]
    public async Task RightPassword_GivesTheUserWithGroupsAndPlan()
    {
        using var verifier = Create(Options(Hash));
        var user = await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken);

        Assert.Equal("alice", user!.Name);
        Assert.True(user.Principal.IsInRole("staff"));
        Assert.Equal("standard", user.Plan);
    }

    [Theory]
    [InlineData("alice", "wrong")]
    [InlineData("Alice", "secret")]
    [InlineData("nobody", "secret")]
    [InlineData("", "")]
    public async Task WrongNameOrPassword_IsNobody(string name, string password)
    {
        using var verifier = Create(Options(Hash));
        Assert.Null(await verifier.VerifyAsync(name, password, null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task DisabledUser_IsNobody()
    {
        using var verifier = Create(Options(Hash, disabled: true));
        Assert.Null(await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task VerifiedCredentials_AreRememberedForAWhile()
    {
        using var verifier = Create(Options(Hash));
        await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken);

        var remembered = verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken);
        Assert.True(remembered.IsCompleted);
        await remembered;
        _time.Advance(TimeSpan.FromMinutes(2));
        var again = verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken);
        Assert.False(again.IsCompletedSuccessfully);
        Assert.NotNull(await again);
    }

    [Fact]
    public async Task Reload_ForgetsWhoWasVerified()
    {
        using var verifier = Create(Options(Hash));
        await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken);
        _options.Change(Options(Hash, disabled: true));

        Assert.Null(await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ReloadThatTouchesOthersOnly_RemembersOn()
    {
        using var verifier = Create(Options(Hash));
        await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken);
        var before = Options(Hash);
        _options.Change(new UsersOptions
        {
            Accounts = new Dictionary<string, AccountOptions>(before.Accounts, StringComparer.Ordinal) { ["bob"] = new() { PasswordHash = Hash } },
        });

        Assert.NotNull(verifier.FindVerified("alice"u8, "secret"u8));
    }

    [Fact]
    public async Task ApiKeyOfTheConfiguration_FindsItsUser_UntilItIsTaken()
    {
        var (id, key) = GeneratedCredential.NewApiKey();
        using var verifier = Create(WithKey(id, KeyedHash.CreateGenerated(key).ToString()));

        Assert.Equal("alice", (await verifier.FindByApiKeyAsync(key, TestContext.Current.CancellationToken))!.Name);
        Assert.Null(await verifier.FindByApiKeyAsync(key[..^1] + (key[^1] == 'a' ? 'b' : 'a'), TestContext.Current.CancellationToken));
        Assert.Null(await verifier.FindByApiKeyAsync("nonsense", TestContext.Current.CancellationToken));
        _options.Change(Options(Hash));
        Assert.Null(await verifier.FindByApiKeyAsync(key, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task GeneratedPassword_NeedsNoTurn()
    {
        using var verifier = Create(Options(KeyedHash.CreateGenerated("generated").ToString()));

        var verified = verifier.VerifyAsync("alice", "generated", null, TestContext.Current.CancellationToken);
        Assert.True(verified.IsCompletedSuccessfully);
        Assert.NotNull(await verified);
        Assert.Null(await verifier.VerifyAsync("alice", "wrong", null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ManyConnectionsOfOneUser_AllGetIn()
    {
        using var verifier = Create(Options(Hash));
        var users = await Task.WhenAll(Enumerable.Range(0, 200)
            .Select(_ => verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken).AsTask()));

        Assert.All(users, Assert.NotNull);
    }

    [Fact]
    public async Task StoreThatIsAway_KeepsWhoWasVerified_ForAsLongAsConfigured()
    {
        var store = new FailingStore("alice", KeyedHash.CreateGenerated("generated"));
        using var verifier = Create(new UsersOptions { CredentialCacheDuration = TimeSpan.FromMinutes(1), OutageGrace = TimeSpan.FromMinutes(15) }, store);
        Assert.NotNull(await verifier.VerifyAsync("alice", "generated", null, TestContext.Current.CancellationToken));
        store.IsAway = true;

        _time.Advance(TimeSpan.FromMinutes(14));
        Assert.NotNull(await verifier.VerifyAsync("alice", "generated", null, TestContext.Current.CancellationToken));
        Assert.Equal(503, (await Assert.ThrowsAsync<ProxyException>(async () => await verifier.VerifyAsync("bob", "generated", null, TestContext.Current.CancellationToken))).Error.Status);
        Assert.Equal(503, (await Assert.ThrowsAsync<ProxyException>(async () => await verifier.VerifyAsync("alice", "wrong", null, TestContext.Current.CancellationToken))).Error.Status);
        _time.Advance(TimeSpan.FromMinutes(1)); // of its last verification, not of its last request: the grace does not renew itself
        Assert.Equal(503, (await Assert.ThrowsAsync<ProxyException>(async () => await verifier.VerifyAsync("alice", "generated", null, TestContext.Current.CancellationToken))).Error.Status);

        store.IsAway = false;
        Assert.NotNull(await verifier.VerifyAsync("alice", "generated", null, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(PasswordAlgorithm.Pbkdf2, 10_000, "AQAAAAIAACcQ")]
    [InlineData(PasswordAlgorithm.Pbkdf2, 20_000, "AQAAAAIAAE4g")]
    [InlineData(PasswordAlgorithm.Argon2id, 10_000, "$argon2id$v=19$m=8192,t=1,p=1$")]
    public async Task WeakerHash_IsUpgradedAtTheNextLogin(object algorithm, int iterations, string form)
    {
        var kept = Pbkdf2Hash.Create("secret", 10_000);
        var store = new FailingStore("alice", kept);
        using var verifier = Create(
            new UsersOptions { PasswordHashing = new() { Algorithm = (PasswordAlgorithm)algorithm, Iterations = iterations, MemoryKiB = 8192, Passes = 1 } }, store);
        Assert.Null(await verifier.VerifyAsync("alice", "wrong", null, TestContext.Current.CancellationToken));
        Assert.Same(kept, store.Hash);
        Assert.NotNull(await verifier.VerifyAsync("alice", "secret", null, TestContext.Current.CancellationToken));

        Assert.StartsWith(form, store.Hash.ToString(), StringComparison.Ordinal);
        Assert.True(store.Hash.Verify("secret"));
    }

    private CredentialVerifier Create(UsersOptions options, IUserStore? store = null)
    {
        _options.Change(options);
        var changes = new UserChanges();
        var stores = new UserStores([store ?? new ConfigurationUserStore(_options, changes)], _options, changes);
        var threads = new PasswordThreads();
        var verified = new VerifiedCredentialCache(_time);
        var metrics = new UserStoreMetrics(new TestMeters(), threads, verified, changes);
        return new CredentialVerifier(stores, changes, threads, verified, _options, metrics, _time, NullLogger<CredentialVerifier>.Instance);
    }

    private static UsersOptions WithKey(string id, string hash) => new()
    {
        Accounts = new Dictionary<string, AccountOptions>(StringComparer.Ordinal)
        {
            ["alice"] = new() { PasswordHash = Hash, ApiKeys = new Dictionary<string, string>(StringComparer.Ordinal) { [id] = hash } },
        },
    };

    private static UsersOptions Options(string hash, bool disabled = false) => new()
    {
        Accounts = new Dictionary<string, AccountOptions>(StringComparer.Ordinal)
        {
            ["alice"] = new() { PasswordHash = hash, Groups = ["staff"], Plan = "standard", Disabled = disabled },
        },
    };

    /// <summary>In the configuration's place: one user, in a store that can be away and upgrades hashes.</summary>
    private sealed class FailingStore(string userName, PasswordHash hash) : IUserStore
    {
        public bool IsAway { get; set; }

        public PasswordHash Hash { get; private set; } = hash;

        public string Name => ConfigurationUserStore.StoreName;

        public bool CanUpgrade => true;

        public ValueTask<StoredUser?> FindAsync(string name, CancellationToken cancellationToken)
            => IsAway ? throw new DatabaseUnavailableException("away")
                : ValueTask.FromResult(name == userName ? new StoredUser(new KnownUser(name, [], plan: null), Hash, Disabled: false) : null);

        public ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken) => ValueTask.FromResult<StoredApiKey?>(null);

        public ValueTask UpgradeAsync(StoredUser user, PasswordHash stronger, CancellationToken cancellationToken)
        {
            Hash = stronger;
            return ValueTask.CompletedTask;
        }
    }
}
