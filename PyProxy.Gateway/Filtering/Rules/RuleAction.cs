using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>What a rule does, compiled: only what its kind needs is set.</summary>
internal sealed record RuleAction(FilterAction Kind)
{
    /// <summary>Whether no later rule is asked.</summary>
    public bool Decides => Kind <= FilterAction.Rewrite;

    /// <summary>Deny and Close: the answer, made once. Also what a Redirect becomes where nobody could follow it.</summary>
    public ProxyError? Refusal { get; init; }

    public string Location { get; init; } = "";

    public int Status { get; init; } = StatusCodes.Status302Found;

    /// <summary>In canonical spelling; <see langword="null"/> = as asked for.</summary>
    public string? Host { get; init; }

    public int? Port { get; init; }

    public string? Path { get; init; }

    public string Field { get; init; } = "";

    public string Value { get; init; } = "";

    /// <summary>EgressProfile, PrivacyProfile, Plan, Tag and Filter: the name.</summary>
    public string Name { get; init; } = "";
}
