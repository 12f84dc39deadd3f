namespace PyProxy.Gateway.State.Database;

/// <summary>One step of a feature's tables. Once released it is never edited: a later step changes what an earlier one made.</summary>
/// <param name="Version">1, 2, 3 … within the feature.</param>
/// <param name="Sqlite">Statements for SQLite.</param>
/// <param name="PostgreSql">The same for PostgreSQL.</param>
internal sealed record Migration(int Version, string Sqlite, string PostgreSql)
{
    public string For(DatabaseEngine engine) => engine == DatabaseEngine.Sqlite ? Sqlite : PostgreSql;
}

/// <summary>A feature's tables. Registered as a singleton by each feature that has some; they are brought up to date in order of registration.</summary>
internal sealed record MigrationSet
{
    /// <param name="feature">Names the steps in the database; never changes.</param>
    /// <param name="steps">In order of their versions, which count from 1.</param>
    public MigrationSet(string feature, params IReadOnlyList<Migration> steps)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            if (steps[i].Version != i + 1)
            {
                throw new ArgumentException($"The migrations of {feature} do not count 1, 2, 3: step {i + 1} calls itself {steps[i].Version}.", nameof(steps));
            }
        }

        Feature = feature;
        Steps = steps;
    }

    public string Feature { get; }

    public IReadOnlyList<Migration> Steps { get; }
}

/// <summary>
/// A feature that may want the database. As long as none does, no file is made and no server asked: a gateway whose users stand in its
/// configuration needs no database.
/// </summary>
internal interface IDatabaseConsumer
{
    /// <summary>Asked every other second: a reload may change it.</summary>
    bool NeedsDatabase { get; }
}
