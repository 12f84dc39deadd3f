using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Forward;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Policies;

namespace PyProxy.Gateway.Explain;

/// <summary>
/// Answers what would become of an exchange, by the code that decides about traffic, in its order. Nothing is sent, counted or logged; filters of a
/// program's own are not asked.
/// </summary>
internal sealed class Explainer
{
    private readonly QuestionReader _reader;
    private readonly AskedUser _users;
    private readonly TrafficFilter _filter;
    private readonly ResponseFilter _responses;
    private readonly DemandsOfEndpoints _demands;
    private readonly PlanStandings _plans;
    private readonly WayOut _wayOut;
    private readonly RequestDelegate _front;
    private readonly RuleNarrator _narrator;
    private readonly ISettingPlaces _places;

    public Explainer(
        QuestionReader reader, AskedUser users, TrafficFilter filter, ResponseFilter responses, DemandsOfEndpoints demands, PlanStandings plans, WayOut wayOut,
        RuleNarrator narrator, ISettingPlaces places, ForwardEndpoint forward, Via via, RefusalWriter refusals)
    {
        _reader = reader;
        _users = users;
        _filter = filter;
        _responses = responses;
        _demands = demands;
        _plans = plans;
        _wayOut = wayOut;
        _narrator = narrator;
        _places = places;

        // The pipeline's own first stages. A refusal of theirs ends in the exchange; its answer has nobody to go to.
        _front = new RequestRulesMiddleware(new ForwardEndpointMiddleware(Passed, forward, refusals).InvokeAsync, via, refusals).InvokeAsync;
        static Task Passed(HttpContext context) => Task.CompletedTask;
    }

    /// <exception cref="QuestionException">The question makes no sense.</exception>
    public async Task<Explanation> ExplainAsync(Question question, CancellationToken cancellationToken)
    {
        var asked = _reader.Read(question);
        var answer = new ExplanationBuilder(asked, _narrator, _places);

        // 1. Whether it is a request at all, and for whom
        await _front(asked.Context);
        var exchange = asked.Exchange;
        if (exchange.Error is { } malformed)
        {
            return answer.End(ExplainedVerdict.Malformed, malformed);
        }

        // 2. Who asks
        exchange.Account = await _users.FindAsync(question, answer.Notes, cancellationToken);
        if (!_demands.Of(asked.Context.GetEndpoint()).Allows(exchange.Account))
        {
            return answer.End(ExplainedVerdict.Unauthenticated, ProxyErrors.AuthenticationRequired(StatusCodes.Status407ProxyAuthenticationRequired) with
            {
                DecidedBy = "authentication",
                Setting = exchange.Endpoint is { } endpoint ? $"Kestrel:Endpoints:{endpoint}:AllowAnonymous" : null,
            });
        }

        // 3. The rules
        if (!FactsReader.TryRead(asked.Context, exchange, asked.At, out var facts))
        {
            return answer.End(ExplainedVerdict.Malformed, ProxyErrors.BadRequest("The host asked for is neither a name nor an address."));
        }

        var judgement = await _filter.JudgeAsync(facts, exchange, answer.Trace, cancellationToken);
        await _plans.ListAsync(asked, answer, cancellationToken);
        _wayOut.Describe(asked, answer);
        if (answer.EndedBy(judgement) is { } verdict)
        {
            return answer.End(verdict, judgement);
        }

        if (judgement.Action == FilterAction.Rewrite)
        {
            TrafficFilterMiddleware.Rewrite(asked.Context, exchange, judgement.Rule!.Action);
        }

        // 4. The limits
        if (answer.UsedUp is { } limit)
        {
            return answer.End(ExplainedVerdict.Limited, limit);
        }

        // 5. The way out
        if (exchange.WayIn != WayIn.Reverse && await _wayOut.PreviewAsync(asked, answer, cancellationToken) is { } error)
        {
            return answer.End(error.Status == StatusCodes.Status403Forbidden ? ExplainedVerdict.Refused : ExplainedVerdict.Unreachable, error);
        }

        // 6. The answer
        return QuestionReader.TryRespond(asked.Context, question) && await _responses.JudgeAsync(asked.Context, asked.At, answer.RespondTrace()) is { } refusal
            ? answer.End(ExplainedVerdict.Refused, refusal)
            : answer.End(judgement);
    }
}
