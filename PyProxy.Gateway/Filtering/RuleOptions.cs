using System.ComponentModel;

namespace PyProxy.Gateway.Filtering;

/// <summary>What a rule does with a request that it matches.</summary>
internal enum FilterAction
{
    /// <summary>The request goes on; no later rule is asked.</summary>
    Allow = 0,

    /// <summary>403.</summary>
    Deny,

    /// <summary>The connection is closed without an answer (HTTP/2: the stream is reset).</summary>
    Close,

    /// <summary>The client is told to ask elsewhere.</summary>
    Redirect,

    /// <summary>The request goes to another host, port or path; forward ways in only.</summary>
    Rewrite,

    /// <summary>Sets a field. Decides nothing: the rules after it are asked.</summary>
    SetField,

    /// <summary>Removes a field. Decides nothing.</summary>
    RemoveField,

    /// <summary>Chooses the egress profile. Decides nothing.</summary>
    EgressProfile,

    /// <summary>Chooses the privacy profile. Decides nothing.</summary>
    PrivacyProfile,

    /// <summary>Puts the exchange on a plan, besides those that it has. Decides nothing.</summary>
    Plan,

    /// <summary>Adds a word for the access log. Decides nothing.</summary>
    Tag,

    /// <summary>Asks a filter that a program has added; what it does not decide is left to the rules after it.</summary>
    Filter,
}

/// <summary>What a response rule does.</summary>
internal enum ResponseAction
{
    /// <summary>The response passes; no later rule is asked.</summary>
    Allow = 0,

    /// <summary>403 in place of the response.</summary>
    Deny,

    /// <summary>Sets a field. Decides nothing: the rules after it are asked.</summary>
    SetField,

    /// <summary>Removes a field. Decides nothing.</summary>
    RemoveField,

    /// <summary>Asks a filter that a program has added; what it does not decide is left to the rules after it.</summary>
    Filter,
}

/// <summary>What rules of both phases have.</summary>
internal abstract class RuleBaseOptions
{
    [Description("The rule's name, unique; it stands in refusals, logs and metrics. Required, 1 to 64 characters.")]
    public string Name { get; init; } = "";

    [Description("What the rule is about. Everything that is given must match; at least one thing must be given, except for Action Filter.")]
    public MatchOptions Match { get; init; } = new();

    [Description("Enforce, or ReportOnly: count and log what the rule would have done, without effect. Default: Enforce.")]
    public FilterMode Mode { get; init; }

    [Description("Deny: what the refusal says to the person who reads it, in place of the gateway's own sentence. 1 to 500 characters.")]
    public string? Message { get; init; }

    [Description("Deny: file of the page's template for browsers, in place of Gateway:RefusalPage:Template.")]
    public string? Page { get; init; }

    [Description("SetField, RemoveField: name of the field.")]
    public string? Field { get; init; }

    [Description("SetField: the field's value. 0 to 4096 characters.")]
    public string? Value { get; init; }

    [Description("Filter: name of the filter, as the program has registered it.")]
    public string? Filter { get; init; }
}

/// <summary>A rule about requests.</summary>
internal sealed class RuleOptions : RuleBaseOptions
{
    [Description("Allow, Deny (403), Close, Redirect, Rewrite; or one that decides nothing and leaves that to the rules after it: SetField, RemoveField, "
        + "EgressProfile, PrivacyProfile, Plan, Tag, Filter. Required.")]
    public FilterAction? Action { get; init; }

    [Description("Redirect: where to; an absolute URL or a path.")]
    public string? Location { get; init; }

    [Description("Redirect: 301, 302, 303, 307 or 308. Default: 302.")]
    public int? Status { get; init; }

    [Description("Rewrite: where the request goes instead.")]
    public RewriteOptions? To { get; init; }

    [Description("EgressProfile: name of the profile in Gateway:Egress:Profiles.")]
    public string? EgressProfile { get; init; }

    [Description("PrivacyProfile: name of the profile in Gateway:Privacy:Profiles.")]
    public string? PrivacyProfile { get; init; }

    [Description("Plan: name of the plan in Gateway:Plans.")]
    public string? Plan { get; init; }

    [Description("Tag: the word, 1 to 64 letters, digits, '-', '_', '.' or ':'.")]
    public string? Tag { get; init; }
}

/// <summary>Where a request goes instead; what is not given stays as it was asked for.</summary>
internal sealed class RewriteOptions
{
    [Description("Host: a name or an address.")]
    public string? Host { get; init; }

    [Description("Port, 1 to 65535.")]
    public int? Port { get; init; }

    [Description("Path, with or without a query; it replaces both. Begins with a slash.")]
    public string? Path { get; init; }
}

/// <summary>A rule about responses.</summary>
internal sealed class ResponseRuleOptions : RuleBaseOptions
{
    [Description("Allow, Deny (403 in place of the response); or one that decides nothing: SetField, RemoveField, Filter. Required.")]
    public ResponseAction? Action { get; init; }
}
