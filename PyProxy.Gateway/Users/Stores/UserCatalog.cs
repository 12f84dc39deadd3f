using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>A user as lists show it: everything but what proves who it is.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Store">Where the user is kept.</param>
/// <param name="Disabled">Whether no credentials are accepted.</param>
/// <param name="Groups">The groups that the user belongs to.</param>
/// <param name="Plan">The user's plan.</param>
/// <param name="PasswordAlgorithm">The form of the password's hash; none where no password is right.</param>
internal sealed record ListedUser(string Name, string Store, bool Disabled, IReadOnlyList<string> Groups, string? Plan, string? PasswordAlgorithm);

/// <summary>All users of all stores, for people: the configuration's, then the htpasswd file's, then the database's, each by name.</summary>
internal sealed class UserCatalog(IOptionsMonitor<UsersOptions> options, HtpasswdUserStore htpasswd, UserRecords records)
{
    private const int PageSize = 1000;

    /// <param name="afterStore">The store to go on in; <see langword="null"/> begins with the first.</param>
    /// <param name="afterName">The name to go on behind.</param>
    /// <param name="withDatabase">Whether the database may be asked.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<ListedUser> ListAsync(
        string? afterStore, string afterName, bool withDatabase, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (afterStore is null or ConfigurationUserStore.StoreName)
        {
            foreach (var (name, account) in options.CurrentValue.Accounts.Where(a => IsBehind(a.Key)).OrderBy(a => a.Key, StringComparer.Ordinal))
            {
                yield return new ListedUser(name, ConfigurationUserStore.StoreName, account.Disabled, account.Groups, account.Plan, AlgorithmOf(account.PasswordHash));
            }

            (afterStore, afterName) = (null, "");
        }

        if (afterStore is null or HtpasswdUserStore.StoreName)
        {
            foreach (var user in (await htpasswd.AllAsync(cancellationToken)).Where(u => IsBehind(u.Account.Name)).OrderBy(u => u.Account.Name, StringComparer.Ordinal))
            {
                yield return new ListedUser(user.Account.Name, HtpasswdUserStore.StoreName, user.Disabled, user.Account.Groups, user.Account.Plan, user.Hash?.Kind);
            }

            afterName = "";
        }

        for (var isMore = withDatabase; isMore;)
        {
            var page = await records.ListAsync(afterName, PageSize, cancellationToken);
            foreach (var user in page)
            {
                yield return Describe(user);
            }

            isMore = page.Count == PageSize;
            afterName = page.Count == 0 ? "" : page[^1].Name;
        }

        bool IsBehind(string name) => string.CompareOrdinal(name, afterName) > 0;
    }

    public static ListedUser Describe(UserRecord user)
        => new(user.Name, DatabaseUserStore.StoreName, user.Disabled, user.Groups, user.Plan, AlgorithmOf(user.PasswordHash));

    private static string? AlgorithmOf(string? hash)
        => string.IsNullOrEmpty(hash) ? null : PasswordHash.TryParseAny(hash, out var parsed) ? parsed.Kind : "unreadable";
}
