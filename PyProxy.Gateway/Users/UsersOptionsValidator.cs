using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Users;

internal sealed class UsersOptionsValidator : ISectionValidator<UsersOptions>
{
    private static readonly string[] KnownStores = [ConfigurationUserStore.StoreName, HtpasswdUserStore.StoreName, DatabaseUserStore.StoreName];

    public void Validate(UsersOptions options, string path, ConfigurationErrors errors)
    {
        for (var i = 0; i < options.Stores.Count; i++)
        {
            if (!KnownStores.Contains(options.Stores[i], StringComparer.OrdinalIgnoreCase))
            {
                errors.Add($"{path}:Stores:{i}", $"\"{options.Stores[i]}\" is no known store; known: {string.Join(", ", KnownStores)}.");
            }
        }

        if (options.Stores.Contains(HtpasswdUserStore.StoreName, StringComparer.OrdinalIgnoreCase) && string.IsNullOrWhiteSpace(options.HtpasswdFile))
        {
            errors.Add($"{path}:HtpasswdFile", "is required where Stores names Htpasswd.");
        }

        ValidateHashing(options.PasswordHashing, $"{path}:PasswordHashing", errors);
        if (options.Realm.Length == 0 || options.Realm.AsSpan().ContainsAnyExceptInRange(' ', '~') || options.Realm.AsSpan().ContainsAny('"', '\\'))
        {
            errors.Add($"{path}:Realm", "must be printable ASCII without quotes and backslashes, and not empty.");
        }

        if (options.CredentialCacheDuration < TimeSpan.Zero || options.CredentialCacheDuration > TimeSpan.FromHours(1))
        {
            errors.Add($"{path}:CredentialCacheDuration", "must lie between 00:00:00 and 01:00:00.");
        }

        if (options.OutageGrace < TimeSpan.Zero || options.OutageGrace > TimeSpan.FromDays(1))
        {
            errors.Add($"{path}:OutageGrace", "must lie between 00:00:00 and 1.00:00:00.");
        }

        foreach (var (name, account) in options.Accounts)
        {
            ValidateAccount(name, account, $"{path}:Accounts:{name}", errors);
        }
    }

    private static void ValidateHashing(PasswordHashingOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Iterations is < 10_000 or > Pbkdf2Hash.MaxIterations)
        {
            errors.Add($"{path}:Iterations", $"must lie between 10000 and {Pbkdf2Hash.MaxIterations}.");
        }

        if (options.MemoryKiB is < 8192 or > Argon2idHash.MaxMemoryKiB)
        {
            errors.Add($"{path}:MemoryKiB", $"must lie between 8192 and {Argon2idHash.MaxMemoryKiB}.");
        }

        if (options.Passes is < 1 or > Argon2idHash.MaxPasses)
        {
            errors.Add($"{path}:Passes", $"must lie between 1 and {Argon2idHash.MaxPasses}.");
        }
    }

    private static void ValidateAccount(string name, AccountOptions account, string path, ConfigurationErrors errors)
    {
        // A colon cannot arrive here from JSON through IConfiguration, which takes it for a level, but from other sources it can.
        if (!UserName.IsValid(name))
        {
            errors.Add(path, $"{UserName.Rule}.");
        }

        if (account.PasswordHash.Length == 0)
        {
            errors.Add($"{path}:PasswordHash", "is required; `PyProxy.Gateway hash` makes one from a password.");
        }
        else if (!PasswordHash.TryParse(account.PasswordHash, out _))
        {
            // The value itself may be a password: it is not repeated.
            errors.Add($"{path}:PasswordHash", "is not a password hash. Clear passwords are not accepted: `PyProxy.Gateway hash` makes a hash from one.");
        }

        foreach (var (id, text) in account.ApiKeys)
        {
            if (!GeneratedCredential.IsId(id) || !KeyedHash.TryParse(text, out _))
            {
                errors.Add($"{path}:ApiKeys:{id}", "is not the id and the hash of an API key; `PyProxy.Gateway hash --api-key` makes a key and prints both.");
            }
        }

        for (var i = 0; i < account.Groups.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(account.Groups[i]))
            {
                errors.Add($"{path}:Groups:{i}", "must not be empty.");
            }
        }

        if (account.Plan is not null && string.IsNullOrWhiteSpace(account.Plan))
        {
            errors.Add($"{path}:Plan", "must be the name of a plan, or absent.");
        }
    }
}
