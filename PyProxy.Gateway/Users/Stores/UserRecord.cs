using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>A user as the database has it.</summary>
internal sealed class UserRecord
{
    public required string Name { get; init; }

    /// <summary><see langword="null"/> where no password is right: the user proves otherwise who it is.</summary>
    public string? PasswordHash { get; init; }

    public IReadOnlyList<string> Groups { get; init; } = [];

    public string? Plan { get; init; }

    /// <summary>Name of a profile in <c>Gateway:Egress:Profiles</c>.</summary>
    public string? EgressProfile { get; init; }

    public bool Disabled { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ChangedAt { get; init; }
}

/// <summary>An API key as the database has it, without its hash.</summary>
internal sealed record ApiKeyRecord(string Id, string Label, DateTimeOffset CreatedAt);

/// <summary>What to change of a user; what is <see langword="null"/> stays.</summary>
internal sealed record UserChange
{
    public string? PasswordHash { get; init; }

    public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>Empty: no plan.</summary>
    public string? Plan { get; init; }

    /// <summary>Empty: no egress profile.</summary>
    public string? EgressProfile { get; init; }

    public bool? Disabled { get; init; }
}

/// <summary>A row of <c>users</c> as Dapper reads it: what the engines call a truth value or a time differs.</summary>
internal class UserRow
{
    public const string Columns = "name, password_hash AS PasswordHash, groups, plan, egress_profile AS EgressProfile, disabled, created_at AS CreatedAt, changed_at AS ChangedAt";

    public string Name { get; set; } = "";

    public string? PasswordHash { get; set; }

    public string Groups { get; set; } = "[]";

    public string? Plan { get; set; }

    public string? EgressProfile { get; set; }

    public bool Disabled { get; set; }

    public long CreatedAt { get; set; }

    public long ChangedAt { get; set; }

    public UserRecord ToRecord() => new()
    {
        Name = Name,
        PasswordHash = PasswordHash,
        Groups = GroupNames.Read(Groups),
        Plan = Plan,
        EgressProfile = EgressProfile,
        Disabled = Disabled,
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
        ChangedAt = DateTimeOffset.FromUnixTimeMilliseconds(ChangedAt),
    };
}

/// <summary>Groups in one column: a JSON array of text.</summary>
internal static partial class GroupNames
{
    public static string[] Read(string json) => JsonSerializer.Deserialize(json, GroupNamesJson.Default.StringArray) ?? [];

    public static string Write(IEnumerable<string> groups) => JsonSerializer.Serialize([.. groups], GroupNamesJson.Default.StringArray);

    [JsonSerializable(typeof(string[]))]
    private sealed partial class GroupNamesJson : JsonSerializerContext;
}
