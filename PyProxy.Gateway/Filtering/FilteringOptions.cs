using System.ComponentModel;

namespace PyProxy.Gateway.Filtering;

/// <summary>Whether a rule has effect.</summary>
internal enum FilterMode
{
    /// <summary>The rule decides.</summary>
    Enforce = 0,

    /// <summary>What the rule would have done is counted and logged; the rules after it decide.</summary>
    ReportOnly,
}

/// <summary>What happens to an exchange that no rule decides.</summary>
internal enum FilterDefault
{
    Allow = 0,
    Deny,
}

/// <summary>The section <c>Gateway:Filtering</c>.</summary>
internal sealed class FilteringOptions
{
    public const string SectionPath = "Gateway:Filtering";

    [Description("What happens to an exchange that no rule decides: Allow or Deny. Default: Allow.")]
    public FilterDefault Default { get; init; }

    [Description("Enforce, or ReportOnly: the whole section is without effect, what it would have done is counted and logged. Default: Enforce.")]
    public FilterMode Mode { get; init; }

    [Description("Rules about requests, in order; the first that matches decides. Default: none.")]
    public IReadOnlyList<RuleOptions> Rules { get; init; } = [];

    [Description("Rules about responses, in order, asked when the destination has answered and before the client hears of it; "
        + "the first that matches decides, and what none decides passes. Default: none.")]
    public IReadOnlyList<ResponseRuleOptions> ResponseRules { get; init; } = [];

    [Description("The filters that programs add, by the name they are registered under.")]
    public IReadOnlyDictionary<string, ExtensionOptions> Filters { get; init; } = new Dictionary<string, ExtensionOptions>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>What holds for a filter that a program has added.</summary>
internal sealed class ExtensionOptions
{
    [Description("How long the filter may take over one question. 00:00:00.001 to 00:01:00, default 00:00:02.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    [Description("What a question counts as that the filter fails on or does not answer in time: Allow (the rules after it decide) or Deny (403). Default: Deny.")]
    public FilterDefault OnFailure { get; init; } = FilterDefault.Deny;
}
