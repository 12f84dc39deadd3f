using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>The configured stores as one, asked in the configured order.</summary>
internal sealed class UserStores : IDisposable
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Dictionary<string, IUserStore> _known;
    private readonly IDisposable? _subscription;
    private volatile IUserStore[] _order;

    public UserStores(IEnumerable<IUserStore> known, IOptionsMonitor<UsersOptions> options, UserChanges changes)
    {
        _known = known.ToDictionary(store => store.Name, StringComparer.OrdinalIgnoreCase);
        _order = Order(options.CurrentValue);
        _subscription = options.OnChange(changed =>
        {
            var order = Order(changed);
            if (!order.SequenceEqual(_order))
            {
                _order = order;
                changes.PublishAll(); // another store may now be the one that decides
            }
        });
    }

    /// <summary>In the order in which they are asked.</summary>
    public IReadOnlyList<IUserStore> InOrder => _order;

    /// <returns>The user and the store that knows it.</returns>
    /// <exception cref="State.Database.DatabaseUnavailableException">A store that might know the user cannot be asked now.</exception>
    public async ValueTask<(StoredUser? User, IUserStore? Store)> FindAsync(string userName, CancellationToken cancellationToken)
    {
        foreach (var store in _order)
        {
            if (await store.FindAsync(userName, cancellationToken) is { } user)
            {
                return (user, store);
            }
        }

        return default;
    }

    /// <summary>
    /// A hash to verify against in place of one that there is not, always the same for a name: among all names those that nobody has are as often of a
    /// form as those that somebody has. <see langword="null"/> stands for one as they are made today, which is what a database's are.
    /// </summary>
    public PasswordHash? Borrow(string userName)
    {
        var order = _order;
        var count = 0;
        foreach (var store in order)
        {
            count += store.ChosenPasswords.Count;
        }

        // A database is taken to have as many as the others together: it is not asked for each name that somebody makes up.
        var all = Array.Exists(order, static store => store is DatabaseUserStore) ? Math.Max(1, 2 * count) : count;
        var choice = all == 0 ? 0 : (int)(BitConverter.ToUInt32(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(userName))) % (uint)all);
        foreach (var store in order)
        {
            var hashes = store.ChosenPasswords;
            if (choice < hashes.Count)
            {
                return hashes[choice];
            }

            choice -= hashes.Count;
        }

        return null;
    }

    /// <exception cref="State.Database.DatabaseUnavailableException">A store that might know the key cannot be asked now.</exception>
    public async ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken)
    {
        foreach (var store in _order)
        {
            if (await store.FindApiKeyAsync(keyId, cancellationToken) is { } key)
            {
                return key;
            }
        }

        return null;
    }

    public void Dispose() => _subscription?.Dispose();

    private IUserStore[] Order(UsersOptions options) =>
        options.Stores.Count == 0 ? [_known[ConfigurationUserStore.StoreName]] : [.. options.Stores.Select(name => _known[name]).Distinct()];
}
