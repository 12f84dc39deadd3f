using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>The users of <c>Gateway:Users:Accounts</c>, compiled and swapped whole by a reload. Users that a reload did not touch stay the objects they were.</summary>
internal sealed class ConfigurationUserStore : IUserStore, IDisposable
{
    public const string StoreName = "Configuration";

    private readonly UserChanges _changes;
    private readonly IDisposable? _subscription;
    private volatile Snapshot _snapshot;

    public ConfigurationUserStore(IOptionsMonitor<UsersOptions> options, UserChanges changes)
    {
        _changes = changes;
        _snapshot = Compile(options.CurrentValue.Accounts, previous: null);
        _subscription = options.OnChange(changed => Apply(changed.Accounts));
    }

    public string Name => StoreName;

    public IReadOnlyList<PasswordHash> ChosenPasswords => _snapshot.ChosenPasswords;

    public ValueTask<StoredUser?> FindAsync(string userName, CancellationToken cancellationToken)
        => ValueTask.FromResult(_snapshot.Users.GetValueOrDefault(userName)?.User);

    public ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken)
        => ValueTask.FromResult(_snapshot.Keys.GetValueOrDefault(keyId));

    public void Dispose() => _subscription?.Dispose();

    private void Apply(IReadOnlyDictionary<string, AccountOptions> accounts)
    {
        var previous = _snapshot;
        var current = Compile(accounts, previous);
        _snapshot = current;
        _changes.Publish(previous.Users.Keys.Union(current.Users.Keys, StringComparer.Ordinal)
            .Where(name => !ReferenceEquals(previous.Users.GetValueOrDefault(name), current.Users.GetValueOrDefault(name)))
            .ToHashSet(StringComparer.Ordinal));
    }

    private static Snapshot Compile(IReadOnlyDictionary<string, AccountOptions> accounts, Snapshot? previous)
    {
        var users = accounts.ToFrozenDictionary(
            account => account.Key,
            account => previous?.Users.GetValueOrDefault(account.Key) is { } same && IsSame(same.Options, account.Value)
                ? same
                : Compile(account.Key, account.Value),
            StringComparer.Ordinal);
        var chosen = users.Values.Select(static user => user.User).Where(static user => user is { Disabled: false, Hash.IsFast: false })
            .Select(static user => user.Hash!);
        return new Snapshot([.. chosen], users, users.Values.SelectMany(ApiKeys).ToFrozenDictionary(key => key.Id, key => key.Key, StringComparer.Ordinal));
    }

    private static CompiledUser Compile(string name, AccountOptions account)
    {
        // A hash that does not parse does not pass validation; were it to, no password would be right for the account.
        var hash = PasswordHash.TryParse(account.PasswordHash, out var parsed) ? parsed : null;
        return new CompiledUser(account, new StoredUser(new KnownUser(name, account.Groups, account.Plan) { EgressProfile = account.EgressProfile }, hash, account.Disabled));
    }

    private static IEnumerable<(string Id, StoredApiKey Key)> ApiKeys(CompiledUser user)
    {
        foreach (var (id, text) in user.Options.ApiKeys)
        {
            if (KeyedHash.TryParse(text, out var hash))
            {
                yield return (id, new StoredApiKey(user.User, hash));
            }
        }
    }

    private static bool IsSame(AccountOptions a, AccountOptions b)
        => a.PasswordHash == b.PasswordHash
            && a.Plan == b.Plan
            && a.EgressProfile == b.EgressProfile
            && a.Disabled == b.Disabled
            && a.Groups.SequenceEqual(b.Groups, StringComparer.Ordinal)
            && a.ApiKeys.Count == b.ApiKeys.Count
            && a.ApiKeys.All(key => b.ApiKeys.TryGetValue(key.Key, out var other) && other == key.Value);

    private sealed record CompiledUser(AccountOptions Options, StoredUser User);

    private sealed record Snapshot(
        PasswordHash[] ChosenPasswords, FrozenDictionary<string, CompiledUser> Users, FrozenDictionary<string, StoredApiKey> Keys);
}
