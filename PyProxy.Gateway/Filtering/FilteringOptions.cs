using System.ComponentModel;

namespace PyProxy.Gateway.Filtering;

/// <summary>What a rule, or the default, does with an exchange.</summary>
internal enum FilterAction
{
    Allow = 0,
    Deny,
}

/// <summary>Whether a rule has effect.</summary>
internal enum FilterMode
{
    /// <summary>The rule decides.</summary>
    Enforce = 0,

    /// <summary>What the rule would have decided is counted and logged; the rules after it decide.</summary>
    ReportOnly,
}

/// <summary>The section <c>Gateway:Filtering</c>.</summary>
internal sealed class FilteringOptions
{
    [Description("What happens to an exchange that no rule matches: Allow or Deny. Default: Allow.")]
    public FilterAction Default { get; init; }

    [Description("Rules in order; the first that matches decides. Default: none.")]
    public IReadOnlyList<RuleOptions> Rules { get; init; } = [];
}

internal sealed class RuleOptions
{
    [Description("The rule's name, unique; it stands in refusals, logs and metrics. Required, 1 to 64 characters.")]
    public string Name { get; init; } = "";

    [Description("What the rule is about. Everything that is given must match, and at least one thing must be given.")]
    public MatchOptions Match { get; init; } = new();

    [Description("Allow or Deny (403). Required.")]
    public FilterAction? Action { get; init; }

    [Description("Enforce, or ReportOnly: count and log what the rule would have decided, without effect. Default: Enforce.")]
    public FilterMode Mode { get; init; }
}

internal sealed class MatchOptions
{
    [Description("Hosts that the client asks for: a name (example.org), an address, or *.example.org for every name below, not itself. "
        + "Any of them. Default: every host.")]
    public IReadOnlyList<string> Hosts { get; init; } = [];

    [Description("Addresses that the client comes from: CIDR ranges (10.0.0.0/8, fd00::/8) or single addresses. Any of them. Default: every address.")]
    public IReadOnlyList<string> ClientAddresses { get; init; } = [];
}
