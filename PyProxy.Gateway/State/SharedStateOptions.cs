using System.ComponentModel;

namespace PyProxy.Gateway.State;

/// <summary>The section <c>Gateway:SharedState</c>: the engines that hold what outlives a process or is common to several gateways.</summary>
internal sealed class SharedStateOptions
{
    [Description("Redis for live counters, as StackExchange.Redis writes it: \"redis:6379\" with options behind commas. A change needs a restart. "
        + "Default: none, counters stay in this process.")]
    public string? Redis { get; init; }

    [Description("How long an answer of Redis is waited for; a slower one counts as Redis being away, and is not waited for again until a probe "
        + "has been answered in time. hh:mm:ss.fff, 10 ms to 5 s. Default: 00:00:00.250.")]
    public TimeSpan RedisTimeout { get; init; } = TimeSpan.FromMilliseconds(250);

    [Description("Begins the names of all keys in Redis, so that several fleets can share one. Letters, digits, '.', '_', '-' and ':'; "
        + "1 to 32 characters. Default: pyproxy.")]
    public string RedisPrefix { get; init; } = "pyproxy";

    [Description("Database for users and usage. SQLite: \"Data Source=pyproxy.db\" (relative: below Gateway:DataDirectory); "
        + "PostgreSQL: \"Host=...;Database=...\" or postgres://... A change needs a restart. Default: Data Source=pyproxy.db.")]
    public string Database { get; init; } = "Data Source=pyproxy.db";
}
