using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace PyProxy.Gateway.State.Database;

/// <summary>Tells a database that is away from a statement that is wrong.</summary>
internal static class DatabaseFaults
{
    // sqlite3.h: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB.
    private static readonly int[] SqliteAway = [5, 6, 8, 10, 11, 13, 14, 26];

    public static bool MeansAway(Exception exception) => exception switch
    {
        // 55000: the database takes no connections. Class 08: connection; 53: resources (too many connections, disk full); 57P: shutting down, starting up; 28, 3D: nobody may enter, no such database.
        PostgresException e => e.SqlState is "55000"
            || e.SqlState.StartsWith("08", StringComparison.Ordinal)
            || e.SqlState.StartsWith("53", StringComparison.Ordinal)
            || e.SqlState.StartsWith("57", StringComparison.Ordinal)
            || e.SqlState.StartsWith("28", StringComparison.Ordinal)
            || e.SqlState.StartsWith("3D", StringComparison.Ordinal),
        NpgsqlException => true, // everything else that Npgsql throws is of the connection
        SqliteException e => Array.IndexOf(SqliteAway, e.SqliteErrorCode) >= 0,
        TimeoutException or SocketException or IOException or UnauthorizedAccessException => true,
        _ => false,
    };
}
