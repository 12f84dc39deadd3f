using System.Collections.Frozen;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// The users of one configuration, compiled, together with the credentials that were verified against it. Both are swapped as one: a
/// verification that began before a reload cannot make the new configuration remember what the old one accepted.
/// </summary>
internal sealed class UserDirectory(UsersOptions options, TimeProvider time)
{
    private readonly FrozenDictionary<string, User> _users = options.Accounts.ToFrozenDictionary(
        account => account.Key, account => Compile(account.Key, account.Value), StringComparer.Ordinal);

    public VerifiedCredentialCache Verified { get; } = new(options.CredentialCacheDuration, time);

    public string Realm { get; } = options.Realm;

    public User? Find(string name) => _users.GetValueOrDefault(name);

    private static User Compile(string name, AccountOptions account)
    {
        // A hash that does not parse does not pass validation; were it to, no password would be right for the account.
        var hash = !account.Disabled && PasswordHash.TryParse(account.PasswordHash, out var parsed) ? parsed : null;
        return new User(new KnownUser(name, account.Groups, account.Plan), hash);
    }

    /// <param name="Account">Shared by all requests of the user.</param>
    /// <param name="Hash"><see langword="null"/> where no password is right.</param>
    internal sealed record User(KnownUser Account, PasswordHash? Hash);
}
