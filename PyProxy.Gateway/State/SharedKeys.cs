using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.StackExchangeRedis;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.State.Redis;
using StackExchange.Redis;

namespace PyProxy.Gateway.State;

/// <summary>
/// The keys that protect what clients carry for the gateway, such as YARP's session affinity. They lie below the data directory, so that a session
/// survives a restart, and in Redis, so that it survives the way to another gateway. The files are also what is left while Redis is away.
/// </summary>
internal sealed partial class SharedKeys(RedisConnection redis, FileSystemXmlRepository files, ILogger<SharedKeys> logger) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var own = files.GetAllElements();
        if (redis.Database is not { } database)
        {
            return own;
        }

        try
        {
            return Merge(own, database);
        }
        catch (RedisException e)
        {
            NotShared(logger, e);
            return own;
        }
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        Keep(element, friendlyName);
        if (redis.Database is not { } database)
        {
            return;
        }

        try
        {
            InRedis(database).StoreElement(element, friendlyName);
        }
        catch (RedisException e)
        {
            NotShared(logger, e); // it is shared with the next reading
        }
    }

    private List<XElement> Merge(IReadOnlyCollection<XElement> own, IDatabase database)
    {
        var inRedis = InRedis(database);
        List<XElement> all = [.. inRedis.GetAllElements()];
        var shared = all.Select(IdOf).ToHashSet(StringComparer.Ordinal);
        foreach (var element in own)
        {
            if (shared.Add(IdOf(element)))
            {
                inRedis.StoreElement(element, IdOf(element)); // made while Redis was away
                all.Add(element);
            }
        }

        var kept = own.Select(IdOf).ToHashSet(StringComparer.Ordinal);
        foreach (var element in all)
        {
            if (kept.Add(IdOf(element)))
            {
                Keep(element, IdOf(element));
            }
        }

        return all;
    }

    // Whoever can read a key can forge what it protects; the repository itself would make the directory readable for everybody.
    private void Keep(XElement element, string name)
    {
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(files.Directory.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        files.StoreElement(element, name);
    }

    private RedisXmlRepository InRedis(IDatabase database) => new(() => database, $"{redis.Prefix}:keys");

    // A key has an id; a revocation has none, but says when.
    private static string IdOf(XElement element) => element.Name.LocalName + "-"
        + ((string?)element.Attribute("id") ?? ((string?)element.Element("revocationDate") ?? "").Replace(':', '-'));

    [LoggerMessage(1, LogLevel.Warning, "The keys of session affinity were not shared through Redis; this gateway goes on with its own")]
    private static partial void NotShared(ILogger logger, Exception exception);
}

/// <summary>Where the keys lie. Nothing is written before the first of them is needed.</summary>
internal sealed class SharedKeysSetup(
    IConfiguration configuration, IHostEnvironment environment, RedisConnection redis, ILoggerFactory loggers) : IConfigureOptions<KeyManagementOptions>
{
    public void Configure(KeyManagementOptions options)
    {
        var directory = new DirectoryInfo(Path.Combine(environment.ContentRootPath, configuration["Gateway:DataDirectory"] ?? "data", "keys"));
        options.XmlRepository = new SharedKeys(redis, new FileSystemXmlRepository(directory, loggers), loggers.CreateLogger<SharedKeys>());
    }
}
