using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace PyProxy.Gateway.State.Database;

/// <summary>Which database, on which engine: the setting <c>Gateway:SharedState:Database</c>, read.</summary>
/// <param name="Engine">Told from the words that the connection string uses.</param>
/// <param name="ConnectionString">With our defaults filled in. Secret: it may hold a password.</param>
/// <param name="DisplayName">For logs and messages: without user and password.</param>
/// <param name="File">SQLite's file; <see langword="null"/> for a server.</param>
internal sealed record DatabaseAddress(DatabaseEngine Engine, string ConnectionString, string DisplayName, string? File)
{
    // The drivers' defaults (15 s to connect, 30 s per command) are longer than any client of a proxy waits for its login.
    private const int ConnectSeconds = 3;
    private const int CommandSeconds = 5;
    private const int KeepAliveSeconds = 10;

    // Every instance holds this many at most: a handful of instances stays below PostgreSQL's default of 100 for all.
    private const int DefaultPoolSize = 15;

    private static readonly string[] SqliteWords = ["Data Source", "DataSource", "Filename"];

    /// <summary>How many connections may be in use at once, beside the one that listens and the one that prepares.</summary>
    public int PoolSize => Engine == DatabaseEngine.PostgreSql
        ? Math.Max(1, new NpgsqlConnectionStringBuilder(ConnectionString).MaxPoolSize - 2)
        : DefaultPoolSize;

    /// <param name="text">The setting.</param>
    /// <param name="dataDirectory">Below it lies a relative file.</param>
    /// <param name="address">What was read.</param>
    /// <param name="mistake">What is wrong, without the text: it may hold a password.</param>
    public static bool TryParse(
        string text, string dataDirectory, [NotNullWhen(true)] out DatabaseAddress? address, [NotNullWhen(false)] out string? mistake)
    {
        address = null;
        try
        {
            if (text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase))
            {
                address = Server(FromUri(new Uri(text)));
            }
            else
            {
                var words = new DbConnectionStringBuilder { ConnectionString = text };
                address = Array.Exists(SqliteWords, words.ContainsKey)
                    ? Embedded(new SqliteConnectionStringBuilder(text), dataDirectory)
                    : Server(new NpgsqlConnectionStringBuilder(text));
            }

            mistake = null;
            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            mistake = "is no connection string of SQLite (\"Data Source=pyproxy.db\") or PostgreSQL (\"Host=...;Database=...\" or postgres://user@host/database)"
                + (e is UriFormatException ? "." : $": {e.Message}");
            return false;
        }
    }

    private static DatabaseAddress Embedded(SqliteConnectionStringBuilder builder, string dataDirectory)
    {
        if (builder.DataSource.Length == 0 || builder.DataSource.StartsWith(":memory:", StringComparison.OrdinalIgnoreCase) || builder.Mode == SqliteOpenMode.Memory)
        {
            throw new FormatException("a database in memory would be another one for every connection.");
        }

        builder.DataSource = Path.GetFullPath(Path.Combine(dataDirectory, builder.DataSource));
        builder.ForeignKeys = true;
        builder.DefaultTimeout = CommandSeconds;
        return new DatabaseAddress(DatabaseEngine.Sqlite, builder.ConnectionString, $"SQLite, {builder.DataSource}", builder.DataSource);
    }

    private static DatabaseAddress Server(NpgsqlConnectionStringBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Host))
        {
            throw new FormatException("the host is missing.");
        }

        SetDefault(builder, "Timeout", ConnectSeconds);
        SetDefault(builder, "Command Timeout", CommandSeconds);
        SetDefault(builder, "Maximum Pool Size", DefaultPoolSize);
        SetDefault(builder, "Keepalive", KeepAliveSeconds);
        SetDefault(builder, "Application Name", "PyProxy.Gateway");
        // Kerberos is for those who ask for it. Npgsql's default looks for its libraries at every connection, and where they are missing, as in the image, the
        // system writes a line to standard error that no logger sees.
        SetDefault(builder, "GSS Encryption Mode", nameof(GssEncryptionMode.Disable));
        return new DatabaseAddress(DatabaseEngine.PostgreSql, builder.ConnectionString, $"PostgreSQL, {builder.Host}:{builder.Port}/{builder.Database}", File: null);
    }

    private static void SetDefault(NpgsqlConnectionStringBuilder builder, string word, object value)
    {
        if (!builder.ShouldSerialize(word)) // ContainsKey is true of every word that Npgsql knows
        {
            builder[word] = value;
        }
    }

    /// <summary>libpq's form, which Npgsql does not read: user, password, host, port, database, and parameters that Npgsql knows by the same name.</summary>
    private static NpgsqlConnectionStringBuilder FromUri(Uri uri)
    {
        var builder = new NpgsqlConnectionStringBuilder { Host = Uri.UnescapeDataString(uri.Host) };
        if (uri.Port > 0)
        {
            builder.Port = uri.Port;
        }

        if (uri.AbsolutePath.Length > 1)
        {
            builder.Database = Uri.UnescapeDataString(uri.AbsolutePath[1..]);
        }

        if (uri.UserInfo.Length > 0)
        {
            var user = uri.UserInfo.Split(':', 2);
            builder.Username = Uri.UnescapeDataString(user[0]);
            builder.Password = user.Length == 2 ? Uri.UnescapeDataString(user[1]) : null;
        }

        foreach (var parameter in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = parameter.Split('=', 2);
            var word = pair[0] switch
            {
                "sslmode" => "SSL Mode",
                "sslrootcert" => "Root Certificate",
                "sslcert" => "SSL Certificate",
                "sslkey" => "SSL Key",
                "application_name" => "Application Name",
                "connect_timeout" => "Timeout",
                "gssencmode" => "GSS Encryption Mode",
                "host" => "Host",
                var other => other,
            };
            builder[word] = Uri.UnescapeDataString(pair.Length == 2 ? pair[1].Replace("-", "", StringComparison.Ordinal) : "");
        }

        return builder;
    }
}
