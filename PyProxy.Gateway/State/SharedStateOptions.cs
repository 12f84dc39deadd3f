using System.ComponentModel;

namespace PyProxy.Gateway.State;

/// <summary>The section <c>Gateway:SharedState</c>: the engines that hold what outlives a process or is common to several gateways.</summary>
internal sealed class SharedStateOptions
{
    [Description("Redis for live counters, as StackExchange.Redis writes it: \"redis:6379\" with options behind commas. "
        + "Default: none, counters stay in this process.")]
    public string? Redis { get; init; }

    [Description("Database for users and usage. SQLite: \"Data Source=pyproxy.db\" (relative: below Gateway:DataDirectory); "
        + "PostgreSQL: \"Host=...;Database=...\" or postgres://... A change needs a restart. Default: Data Source=pyproxy.db.")]
    public string Database { get; init; } = "Data Source=pyproxy.db";
}
