using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>The tables of the ledger.</summary>
internal static class UsageTables
{
    // Both engines read these words. Bytes of a year's traffic need 64 bits; a day is text as in ISO 8601, which sorts.
    private const string First = """
        CREATE TABLE usage_days (
            user_name TEXT NOT NULL,
            day TEXT NOT NULL,
            requests BIGINT NOT NULL,
            bytes_up BIGINT NOT NULL,
            bytes_down BIGINT NOT NULL,
            tunnels BIGINT NOT NULL,
            refusals BIGINT NOT NULL,
            PRIMARY KEY (user_name, day));
        CREATE TABLE usage_quotas (
            counter TEXT NOT NULL,
            period TEXT NOT NULL,
            used BIGINT NOT NULL,
            raised BIGINT NOT NULL,
            PRIMARY KEY (counter, period));
        CREATE TABLE usage_writers (
            instance TEXT NOT NULL PRIMARY KEY,
            batch BIGINT NOT NULL,
            day TEXT NOT NULL);
        """;

    public static readonly MigrationSet Migrations = new("usage", new Migration(1, First, First));
}
