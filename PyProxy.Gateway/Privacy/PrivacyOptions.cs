using System.ComponentModel;

namespace PyProxy.Gateway.Privacy;

/// <summary>How much of the client a destination learns.</summary>
internal enum PrivacyMode
{
    /// <summary>No address of the client's; otherwise its request as it is.</summary>
    Anonymous = 0,

    /// <summary>The client's address is added, as reverse proxies do for their own services.</summary>
    Transparent,

    /// <summary>Only fields of a list pass.</summary>
    Strict,
}

/// <summary>What is done about the <c>User-Agent</c> field.</summary>
internal enum UserAgentPolicy
{
    /// <summary>As the client sends it (Strict: not at all, unless it is among the allowed fields).</summary>
    Keep = 0,

    /// <summary>Not sent; client hints neither.</summary>
    Remove,

    /// <summary>Everybody has the same.</summary>
    Fixed,

    /// <summary>Product and major version stay, builds and devices go.</summary>
    Generalise,
}

/// <summary>What a request and its response reveal.</summary>
internal class PrivacyProfileOptions
{
    [Description("Anonymous: the client's address is not revealed, fields that carry addresses are removed. Transparent: X-Forwarded-For and Forwarded are added. "
        + "Strict: as Anonymous, and only AllowedFields pass. Via has the gateway's pseudonym in every mode. Default: Anonymous.")]
    public PrivacyMode Mode { get; init; }

    [Description("Strict: request fields that pass, besides those that frame the message. Default: Accept, Accept-Encoding, Access-Control-Request-Headers, "
        + "Access-Control-Request-Method, Authorization, Cache-Control, Cookie, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, "
        + "Origin, Pragma, Range. An empty list lets none pass.")]
    public IReadOnlyList<string>? AllowedFields { get; init; }

    [Description("Fields of requests that are set or removed, after the mode has had its effect.")]
    public FieldRulesOptions RequestFields { get; init; } = new();

    [Description("Fields of responses that are set or removed.")]
    public FieldRulesOptions ResponseFields { get; init; } = new();

    [Description("Whether query parameters that only track are removed: utm_*, fbclid, gclid and their like (docs/privacy.md has the list). Default: false.")]
    public bool StripTrackingParameters { get; init; }

    [Description("Further query parameters to remove, by name in any case; a * at the end stands for whatever follows. Default: none.")]
    public IReadOnlyList<string> StripParameters { get; init; } = [];

    [Description("What is done about User-Agent: Keep, Remove, Fixed (UserAgentValue), or Generalise (product and major version stay). But for Keep, client "
        + "hints (Sec-CH-*) are removed too. Default: Keep.")]
    public UserAgentPolicy UserAgent { get; init; }

    [Description("Fixed: the User-Agent that every request has. 1 to 500 characters.")]
    public string? UserAgentValue { get; init; }
}

/// <summary>Changes to the fields of a message.</summary>
internal sealed class FieldRulesOptions
{
    [Description("Fields that are removed, by name. Fields that frame the message or belong to one hop are the gateway's own business. Default: none.")]
    public IReadOnlyList<string> Remove { get; init; } = [];

    [Description("Fields that are set, name and value, in place of all their lines. Values are ASCII. Default: none.")]
    public Dictionary<string, string> Set { get; init; } = new(StringComparer.OrdinalIgnoreCase);
}

/// <summary>
/// The section <c>Gateway:Privacy</c>: a profile for all forward traffic, and others by name for endpoints, groups, users and rules.
/// </summary>
internal sealed class PrivacyOptions : PrivacyProfileOptions
{
    public const string SectionPath = "Gateway:Privacy";

    [Description("Further profiles by name; none takes anything over from the section's own. Default: none.")]
    public Dictionary<string, PrivacyProfileOptions> Profiles { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    [Description("Profile of an endpoint in Kestrel:Endpoints, by the endpoint's name. The only way, besides a rule, to a profile for reverse traffic. Default: none.")]
    public Dictionary<string, string> Endpoints { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    [Description("Profile of a group's users, by the group's name; of several groups the first here. Holds before the endpoint's. Forward traffic only. Default: none.")]
    public Dictionary<string, string> Groups { get; init; } = new(StringComparer.Ordinal);

    [Description("Profile of a user, by the user's name. Holds before a group's. Forward traffic only. Default: none.")]
    public Dictionary<string, string> Users { get; init; } = new(StringComparer.Ordinal);
}
