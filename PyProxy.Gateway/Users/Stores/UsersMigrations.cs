using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>
/// The tables of the store <c>Database</c>. Triggers write every change into <c>user_changes</c>, whoever made it: the commands, another
/// gateway, an operator with <c>psql</c>. Each gateway reads from there whom to forget.
/// </summary>
internal static class UsersMigrations
{
    /// <summary>PostgreSQL's channel that says: there is something new in <c>user_changes</c>.</summary>
    public const string Channel = "pyproxy_users";

    /// <summary>
    /// Taken by every transaction that changes users, up to its end. Revisions so become visible in their order: whoever has read up to one
    /// cannot have missed a lower one.
    /// </summary>
    public const string PostgreSqlLock = "SELECT pg_advisory_xact_lock(31663796087814266)";

    private const string Sqlite = """
        CREATE TABLE users (
            name TEXT NOT NULL PRIMARY KEY,
            password_hash TEXT,
            groups TEXT NOT NULL DEFAULT '[]',
            plan TEXT,
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE api_keys (
            id TEXT NOT NULL PRIMARY KEY,
            user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
            hash TEXT NOT NULL,
            label TEXT NOT NULL DEFAULT '',
            created_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX api_keys_of_user ON api_keys (user_name);
        CREATE TABLE user_changes (revision INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
        CREATE TRIGGER users_inserted AFTER INSERT ON users BEGIN INSERT INTO user_changes (name) VALUES (NEW.name); END;
        CREATE TRIGGER users_updated AFTER UPDATE ON users BEGIN INSERT INTO user_changes (name) VALUES (OLD.name); END;
        CREATE TRIGGER users_deleted AFTER DELETE ON users BEGIN INSERT INTO user_changes (name) VALUES (OLD.name); END;
        CREATE TRIGGER api_keys_inserted AFTER INSERT ON api_keys BEGIN INSERT INTO user_changes (name) VALUES (NEW.user_name); END;
        CREATE TRIGGER api_keys_updated AFTER UPDATE ON api_keys BEGIN INSERT INTO user_changes (name) VALUES (OLD.user_name); END;
        CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys BEGIN INSERT INTO user_changes (name) VALUES (OLD.user_name); END;
        """;

    private const string PostgreSql = """
        CREATE TABLE users (
            name TEXT NOT NULL PRIMARY KEY,
            password_hash TEXT,
            groups TEXT NOT NULL DEFAULT '[]',
            plan TEXT,
            disabled BOOLEAN NOT NULL DEFAULT FALSE,
            created_at BIGINT NOT NULL,
            changed_at BIGINT NOT NULL
        );
        CREATE TABLE api_keys (
            id TEXT NOT NULL PRIMARY KEY,
            user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
            hash TEXT NOT NULL,
            label TEXT NOT NULL DEFAULT '',
            created_at BIGINT NOT NULL
        );
        CREATE INDEX api_keys_of_user ON api_keys (user_name);
        CREATE TABLE user_changes (revision BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL);
        CREATE FUNCTION note_users() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(31663796087814266);
            INSERT INTO user_changes (name) SELECT name FROM changed;
            NOTIFY pyproxy_users;
            RETURN NULL;
        END $$;
        CREATE FUNCTION note_api_keys() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(31663796087814266);
            INSERT INTO user_changes (name) SELECT DISTINCT user_name FROM changed;
            NOTIFY pyproxy_users;
            RETURN NULL;
        END $$;
        CREATE TRIGGER users_inserted AFTER INSERT ON users REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_users();
        CREATE TRIGGER users_updated AFTER UPDATE ON users REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_users();
        CREATE TRIGGER users_deleted AFTER DELETE ON users REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_users();
        CREATE TRIGGER api_keys_inserted AFTER INSERT ON api_keys REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_api_keys();
        CREATE TRIGGER api_keys_updated AFTER UPDATE ON api_keys REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_api_keys();
        CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_api_keys();
        """;

    private const string EgressProfile = "ALTER TABLE users ADD COLUMN egress_profile TEXT";

    public static MigrationSet Create() => new("users", new Migration(1, Sqlite, PostgreSql), new Migration(2, EgressProfile, EgressProfile));
}
