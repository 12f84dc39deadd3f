using Npgsql;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Tests.State;

public sealed class DatabaseAddressTests
{
    [Theory]
    [InlineData("Data Source=users.db", "/data/users.db")]
    [InlineData("Filename=sub/users.db", "/data/sub/users.db")]
    [InlineData("Data Source=/elsewhere/users.db", "/elsewhere/users.db")]
    public void SqliteFile_LiesBelowTheDataDirectory(string text, string file)
    {
        Assert.True(DatabaseAddress.TryParse(text, "/data", out var address, out _));
        Assert.Equal(DatabaseEngine.Sqlite, address.Engine);
        Assert.Equal(file, address.File);
    }

    [Theory]
    [InlineData("Host=db;Database=gateway;Username=u;Password=p")]
    [InlineData("postgres://u:p@db/gateway")]
    [InlineData("postgresql://u:p@db:5432/gateway?application_name=PyProxy.Gateway")]
    public void PostgreSql_IsToldByItsWords(string text)
    {
        Assert.True(DatabaseAddress.TryParse(text, "/data", out var address, out _));
        var builder = new NpgsqlConnectionStringBuilder(address.ConnectionString);

        Assert.Equal(DatabaseEngine.PostgreSql, address.Engine);
        Assert.Equal(("db", "gateway", "u", "p"), (builder.Host, builder.Database, builder.Username, builder.Password));
        Assert.Equal(3, builder.Timeout);
        Assert.Equal("PostgreSQL, db:5432/gateway", address.DisplayName);
    }

    [Fact]
    public void SslModeOfAUri_IsTaken()
    {
        Assert.True(DatabaseAddress.TryParse("postgres://db/gateway?sslmode=verify-full", "", out var address, out _));
        Assert.Equal(SslMode.VerifyFull, new NpgsqlConnectionStringBuilder(address.ConnectionString).SslMode);
    }

    [Theory]
    [InlineData("Host=db;Database=gateway", GssEncryptionMode.Disable)]
    [InlineData("Host=db;Database=gateway;GSS Encryption Mode=Require", GssEncryptionMode.Require)]
    [InlineData("postgres://db/gateway?gssencmode=prefer", GssEncryptionMode.Prefer)]
    public void Kerberos_IsForThoseWhoAsk(string text, GssEncryptionMode mode)
    {
        Assert.True(DatabaseAddress.TryParse(text, "", out var address, out _));
        Assert.Equal(mode, new NpgsqlConnectionStringBuilder(address.ConnectionString).GssEncryptionMode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("users.db")]
    [InlineData("Data Source=:memory:")]
    [InlineData("Data Source=x;Nonsense=1")]
    [InlineData("Database=gateway;Password=hunter2")]
    [InlineData("Server=db;Initial Catalog=x;Password=hunter2;Nonsense=2")]
    [InlineData("postgres://u:hunter2@:x/")]
    public void WhatIsNoDatabase_IsRefusedWithoutRepeatingIt(string text)
    {
        Assert.False(DatabaseAddress.TryParse(text, "", out _, out var mistake));
        Assert.DoesNotContain("hunter2", mistake, StringComparison.Ordinal);
    }
}
