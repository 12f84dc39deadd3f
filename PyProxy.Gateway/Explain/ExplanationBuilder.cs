using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>Collects what the stages say, and puts the end of it into a sentence.</summary>
internal sealed class ExplanationBuilder(AskedExchange asked, RuleNarrator narrator, ISettingPlaces places)
{
    private RuleTrace? _responseTrace;

    public RuleTrace Trace { get; } = new();

    public List<string> Notes { get; } = [];

    public List<ExplainedLimit> Limits { get; } = [];

    /// <summary>The first limit that has nothing left.</summary>
    public ProxyError? UsedUp { get; set; }

    public ExplainedEgress? Egress { get; set; }

    public string? Privacy { get; set; }

    public RuleTrace RespondTrace() => _responseTrace = new RuleTrace();

    /// <summary>What the rules end an exchange with; <see langword="null"/> where it goes on.</summary>
    public ExplainedVerdict? EndedBy(Judgement judgement) => judgement.Action switch
    {
        FilterAction.Allow or FilterAction.Rewrite => null,
        FilterAction.Close => ExplainedVerdict.Closed,
        FilterAction.Redirect when asked.Exchange.WayIn is WayIn.Forward or WayIn.Reverse => ExplainedVerdict.Redirected,
        _ => ExplainedVerdict.Refused,
    };

    /// <summary>The rules end the exchange.</summary>
    public Explanation End(ExplainedVerdict verdict, Judgement judgement) => verdict switch
    {
        ExplainedVerdict.Closed => Make(verdict, status: null, $"The rule \"{judgement.Rule!.Name}\" closes the connection without an answer.", Of(judgement.Refusal!)),
        ExplainedVerdict.Redirected => Make(
            verdict, judgement.Rule!.Action.Status, $"The rule \"{judgement.Rule.Name}\" sends the client to {judgement.Rule.Action.Location}.", Of(judgement.Rule)),
        _ => End(verdict, judgement.Refusal!),
    };

    /// <summary>Something refuses the exchange.</summary>
    public Explanation End(ExplainedVerdict verdict, ProxyError error)
        => Make(verdict, error.Status, SummaryOf(verdict, error), Of(error));

    /// <summary>Nothing refuses the exchange.</summary>
    public Explanation End(Judgement judgement)
    {
        var byAddress = Trace.Addresses.FirstOrDefault(static vetted => vetted is { Refusal: null, Rule: not null })?.Rule;
        var rule = byAddress ?? judgement.Rule;
        var summary = rule switch
        {
            null when Trace.Rules.Any(static looked => looked.Fate == RuleFate.Reports) => "No rule with effect decides, and the default lets it pass.",
            null => "No rule decides, and the default lets it pass.",
            { Action.Kind: FilterAction.Rewrite } => $"The rule \"{rule.Name}\" lets it pass, to {asked.Exchange.Target}.",
            _ => $"The rule \"{rule.Name}\" lets it pass.",
        };
        return Make(ExplainedVerdict.Allowed, asked.Question.Status, summary, rule is null ? Default() : Of(rule));
    }

    private static string SummaryOf(ExplainedVerdict verdict, ProxyError error) => verdict switch
    {
        ExplainedVerdict.Unauthenticated => "Nobody may ask here without saying who they are.",
        ExplainedVerdict.Unreachable => "Nothing refuses it, but the destination cannot be reached.",
        ExplainedVerdict.Malformed => "It is no request that the gateway passes on.",
        ExplainedVerdict.Limited => "The limit has nothing left now.",
        _ when error.DecidedBy == FilteringRecorder.DefaultRule => "No rule allows it, and the default refuses.",
        _ when error.Setting?.StartsWith(FilteringOptions.SectionPath, StringComparison.OrdinalIgnoreCase) == true => $"The rule \"{error.DecidedBy}\" refuses it.",
        _ => "The policy of the way out refuses it.",
    };

    private Explanation Make(ExplainedVerdict verdict, int? status, string summary, ExplainedDecision? decidedBy)
    {
        AddNotes();
        var exchange = asked.Exchange;
        return new Explanation(
            verdict,
            status,
            summary,
            decidedBy,
            new ExplainedExchange(
                exchange.WayIn, exchange.Endpoint, asked.Context.Request.Method, asked.Question.Target, exchange.User ?? asked.Question.User,
                exchange.Account?.Groups ?? [], exchange.Account?.Plan, exchange.ClientAddress?.ToString(), asked.At),
            narrator.Tell(Trace),
            _responseTrace is null ? null : narrator.Tell(_responseTrace),
            [.. Effective(Trace).Concat(_responseTrace is null ? [] : Effective(_responseTrace))],
            Limits,
            Egress,
            Privacy,
            Notes);
    }

    private static IEnumerable<string> Effective(RuleTrace trace)
        => trace.Rules.Where(static looked => looked.Fate == RuleFate.Applies).Select(static looked => RuleNarrator.ActionOf(looked.Rule.Action));

    private void AddNotes()
    {
        var looked = Trace.Rules.Concat(_responseTrace?.Rules ?? []).ToList();
        Notes.AddRange(looked.Where(static l => l.Fate == RuleFate.Reports)
            .Select(static l => $"The rule \"{l.Rule.Name}\" matches and would {RuleNarrator.ActionOf(l.Rule.Action)}, but only reports."));
        Notes.AddRange(Trace.Addresses.SelectMany(static vetted => vetted.Reported, static (vetted, rule) => (vetted.Address, Rule: rule))
            .Select(static r => $"The rule \"{r.Rule.Name}\" matches the address {r.Address} and would {RuleNarrator.ActionOf(r.Rule.Action)}, but only reports."));
        Notes.AddRange(looked.Where(static l => l.Fate == RuleFate.AsksFilter)
            .Select(static l => $"The rule \"{l.Rule.Name}\" asks the filter {l.Rule.Action.Name}, which answers traffic only: it may decide otherwise."));
        if (asked is { Exchange.WayIn: WayIn.Reverse, Question.User: { } user })
        {
            Notes.Add($"Reverse traffic is known to be {user}'s only on routes with an AuthorizationPolicy.");
        }
    }

    private ExplainedDecision Of(ProxyError error)
        => new(error.DecidedBy ?? error.Setting ?? error.Token ?? "gateway", error.Setting is { } setting ? places.PlaceOf(setting) : null, error.Detail);

    private ExplainedDecision Of(Rule rule) => new(rule.Name, places.PlaceOf(rule.Setting), Message: null);

    private ExplainedDecision Default()
        => new(FilteringRecorder.DefaultRule, places.PlaceOf($"{FilteringOptions.SectionPath}:{nameof(FilteringOptions.Default)}"), Message: null);
}
