using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>What would become of an exchange.</summary>
internal enum ExplainedVerdict
{
    /// <summary>It would be let through.</summary>
    Allowed = 0,

    /// <summary>A rule, the default, or a policy of the way out would refuse it.</summary>
    Refused,

    /// <summary>A rule would close the connection without an answer.</summary>
    Closed,

    /// <summary>A rule would send the client elsewhere.</summary>
    Redirected,

    /// <summary>Credentials would be asked for.</summary>
    Unauthenticated,

    /// <summary>A limit would refuse it now.</summary>
    Limited,

    /// <summary>It is no request that a proxy may pass on.</summary>
    Malformed,

    /// <summary>Nothing refuses it, and its destination cannot be reached.</summary>
    Unreachable,
}

/// <summary>The answer to a <see cref="Question"/>.</summary>
/// <param name="Verdict">What would become of the exchange.</param>
/// <param name="Status">The status that the client would get; <see langword="null"/> where the destination answers, or nobody does.</param>
/// <param name="Summary">The same in one sentence.</param>
/// <param name="DecidedBy">What decides.</param>
/// <param name="Asked">What was asked about, with what the question left out.</param>
/// <param name="Rules">The rules about requests that were looked at, in order.</param>
/// <param name="ResponseRules">Those about responses; <see langword="null"/> where the question has no response.</param>
/// <param name="Effects">What rules do besides deciding: fields, plan, profiles, tags.</param>
/// <param name="Limits">What the plans that apply have left.</param>
/// <param name="Egress">How the exchange would leave the gateway.</param>
/// <param name="Privacy">What the destination would learn; <see langword="null"/> where no profile applies.</param>
/// <param name="Notes">What else is worth knowing about the answer.</param>
internal sealed record Explanation(
    ExplainedVerdict Verdict,
    int? Status,
    string Summary,
    ExplainedDecision? DecidedBy,
    ExplainedExchange Asked,
    IReadOnlyList<ExplainedRule> Rules,
    IReadOnlyList<ExplainedRule>? ResponseRules,
    IReadOnlyList<string> Effects,
    IReadOnlyList<ExplainedLimit> Limits,
    ExplainedEgress? Egress,
    string? Privacy,
    IReadOnlyList<string> Notes);

/// <param name="Name">The rule or limit, by its configured name; <c>default</c>, <c>authentication</c>, or a setting of the way out.</param>
/// <param name="Place">Where it is written; <see langword="null"/> where it is no setting.</param>
/// <param name="Message">What the client is told.</param>
internal sealed record ExplainedDecision(string Name, SettingPlace? Place, string? Message);

/// <summary>The exchange that the answer is about.</summary>
internal sealed record ExplainedExchange(
    WayIn WayIn, string? Endpoint, string Method, string Target, string? User, IReadOnlyList<string> Groups, string? Plan, string? From, DateTimeOffset At);

/// <param name="Index">Place among the rules, from 1 as people count.</param>
/// <param name="Name">Its name.</param>
/// <param name="Place">Where it is written.</param>
/// <param name="Action">What it does.</param>
/// <param name="Result">What became of it.</param>
/// <param name="Why">Of a rule that does not match, what does not.</param>
internal sealed record ExplainedRule(
    int Index, string Name, SettingPlace Place, string Action, RuleFate Result, IReadOnlyList<ExplainedCondition> Why);

/// <param name="Place">Where the condition is written.</param>
/// <param name="Name">Its key below <c>Match</c>.</param>
/// <param name="Known">Whether what it asks for is known of such an exchange.</param>
/// <param name="Is">What the exchange has.</param>
/// <param name="Wants">What the condition wants.</param>
internal sealed record ExplainedCondition(SettingPlace Place, string Name, bool Known, string Is, string Wants);

/// <param name="Plan">The plan.</param>
/// <param name="Limit">The limit as it is written.</param>
/// <param name="Per">By what it is counted.</param>
/// <param name="Allowed">How many there are.</param>
/// <param name="Left">How many are left now; <see langword="null"/> where that is not known here.</param>
internal sealed record ExplainedLimit(string Plan, string Limit, string? Per, long? Allowed, long? Left);

/// <param name="Profile">The egress profile; <see langword="null"/> = none.</param>
/// <param name="By">On whose word: Rule, User, Plan, Default.</param>
/// <param name="Upstream">The upstream proxy that would be tried first; <see langword="null"/> = none.</param>
/// <param name="SourceAddress">Where connections leave from; <see langword="null"/> = the system chooses.</param>
/// <param name="Addresses">What the host resolves to, and what is said of each.</param>
internal sealed record ExplainedEgress(string? Profile, string By, string? Upstream, string? SourceAddress, IReadOnlyList<ExplainedAddress> Addresses);

/// <param name="Address">One that the host resolves to.</param>
/// <param name="Dialed">Whether it would be dialed.</param>
/// <param name="Rule">The rule about addresses that decides about it.</param>
internal sealed record ExplainedAddress(string Address, bool Dialed, string? Rule);
