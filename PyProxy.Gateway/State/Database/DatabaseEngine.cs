namespace PyProxy.Gateway.State.Database;

internal enum DatabaseEngine
{
    /// <summary>A file of this gateway's own.</summary>
    Sqlite = 0,

    /// <summary>A server that several gateways share.</summary>
    PostgreSql,
}
