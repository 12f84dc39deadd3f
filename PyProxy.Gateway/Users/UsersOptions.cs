using System.ComponentModel;

namespace PyProxy.Gateway.Users;

/// <summary>The section <c>Gateway:Users</c>.</summary>
internal sealed class UsersOptions
{
    // Empty stands for the default: the binder appends to a list that has elements, so a default of one could not be replaced.
    [Description("Where users are looked up, in this order; the first store that knows a name decides. Known stores: Configuration, Htpasswd, Database. "
        + "Default: Configuration.")]
    public IReadOnlyList<string> Stores { get; init; } = [];

    [Description("The users of the store Configuration, by name. Names are case-sensitive, 1 to 128 characters, without a colon. Default: none.")]
    public IReadOnlyDictionary<string, AccountOptions> Accounts { get; init; } = new Dictionary<string, AccountOptions>(StringComparer.Ordinal);

    [Description("The file of the store Htpasswd; relative paths are below the working directory. Read again when it changes. Default: none.")]
    public string? HtpasswdFile { get; init; }

    [Description("How new password hashes are made; a weaker one in the database is replaced at its user's next login.")]
    public PasswordHashingOptions PasswordHashing { get; init; } = new();

    [Description("The realm that challenges name: printable ASCII without quotes and backslashes. Default: PyProxy.Gateway.")]
    public string Realm { get; init; } = "PyProxy.Gateway";

    [Description("How long verified credentials are remembered before the password is verified again: 00:00:00 (never) to 01:00:00. "
        + "A change of the user forgets them at once, on every gateway. Default: 00:01:00.")]
    public TimeSpan CredentialCacheDuration { get; init; } = TimeSpan.FromMinutes(1);

    [Description("How long after their last verification users stay while the database is away; nobody else gets in: 00:00:00 (they do not) to 1.00:00:00. "
        + "Default: 00:15:00.")]
    public TimeSpan OutageGrace { get; init; } = TimeSpan.FromMinutes(15);
}

/// <summary>One user of the store <c>Configuration</c>.</summary>
internal sealed class AccountOptions
{
    [Description("The password's hash as `PyProxy.Gateway hash` prints it (PBKDF2 in ASP.NET Core Identity's form, AQAAAA...; "
        + "also Argon2id, bcrypt, and $hmac-sha256$ for generated passwords). Required; never a clear password.")]
    public string PasswordHash { get; init; } = "";

    [Description("The user's API keys: id and hash as `PyProxy.Gateway hash --api-key` prints them. Default: none.")]
    public IReadOnlyDictionary<string, string> ApiKeys { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Groups that the user belongs to; authorization policies see them as roles. Default: none.")]
    public IReadOnlyList<string> Groups { get; init; } = [];

    [Description("Name of the user's plan in Gateway:Plans. Default: none, no limits per user.")]
    public string? Plan { get; init; }

    [Description("Name of the profile in Gateway:Egress:Profiles by which the user's forward requests and tunnels leave. Default: none, the plan's or the default holds.")]
    public string? EgressProfile { get; init; }

    [Description("true keeps the user but accepts no credentials. Default: false.")]
    public bool Disabled { get; init; }
}
