using System.Buffers;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.State.Redis;

namespace PyProxy.Gateway.State;

internal sealed class SharedStateOptionsValidator : ISectionValidator<SharedStateOptions>
{
    // Braces would be a hash tag of their own and put every key into one slot of a cluster.
    private static readonly SearchValues<char> PrefixCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:");

    public void Validate(SharedStateOptions options, string path, ConfigurationErrors errors)
    {
        ValidateRedis(options, path, errors);

        if (!DatabaseAddress.TryParse(options.Database, dataDirectory: "", out _, out var mistake))
        {
            errors.Add($"{path}:Database", mistake);
        }
    }

    private static void ValidateRedis(SharedStateOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Redis is not null && !RedisEndpoint.TryParse(options.Redis, out _))
        {
            // The text is not repeated: it may hold a password.
            errors.Add($"{path}:Redis", "must be host:port with options of StackExchange.Redis behind commas, or absent.");
        }

        if (options.RedisTimeout < TimeSpan.FromMilliseconds(10) || options.RedisTimeout > TimeSpan.FromSeconds(5))
        {
            errors.Add($"{path}:RedisTimeout", "must be from 00:00:00.010 to 00:00:05.");
        }

        if (options.RedisPrefix.Length is < 1 or > 32 || options.RedisPrefix.AsSpan().ContainsAnyExcept(PrefixCharacters))
        {
            errors.Add($"{path}:RedisPrefix", "must be 1 to 32 letters, digits, '.', '_', '-' or ':'.");
        }
    }
}
