using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users;

internal sealed class UsersOptionsValidator : ISectionValidator<UsersOptions>
{
    private const int MaxNameLength = 128;

    public void Validate(UsersOptions options, string path, ConfigurationErrors errors)
    {
        for (var i = 0; i < options.Stores.Count; i++)
        {
            if (!string.Equals(options.Stores[i], "Configuration", StringComparison.OrdinalIgnoreCase))
            {
                errors.Add($"{path}:Stores:{i}", $"\"{options.Stores[i]}\" is no known store; known: Configuration.");
            }
        }

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

    private static void ValidateAccount(string name, AccountOptions account, string path, ConfigurationErrors errors)
    {
        // A colon cannot arrive here from JSON through IConfiguration, which takes it for a level, but from other sources it can.
        if (name.Length is 0 or > MaxNameLength || name.Contains(':', StringComparison.Ordinal) || name.Any(char.IsControl))
        {
            errors.Add(path, "a user's name has 1 to 128 characters and neither a colon nor control characters (RFC 7617).");
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
