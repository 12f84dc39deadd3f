using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Extension;

/// <summary>Asks filters of a program's own and contains what they do: time, exceptions, threads.</summary>
internal sealed class TrafficFilterHost(
    IEnumerable<TrafficFilterRegistration> registrations, IServiceProvider services, FilteringRecorder recorder, TimeProvider time)
{
    private static readonly ExtensionOptions Unconfigured = new();

    private readonly FrozenDictionary<string, ITrafficFilter> _filters =
        registrations.ToFrozenDictionary(r => r.Name, r => r.Resolve(services), StringComparer.OrdinalIgnoreCase);

    /// <returns>The refusal, or whether the exchange is allowed past the rest of the rules.</returns>
    public async ValueTask<(ProxyError? Refusal, bool IsAllowed)> OnRequestAsync(
        Rule rule, FilteringSnapshot snapshot, Facts facts, Exchange exchange, CancellationToken cancellationToken)
    {
        var request = Describe(facts, exchange);
        var filter = _filters[rule.Action.Name];
        var verdict = await AskAsync(rule, snapshot, exchange, token => filter.OnRequestAsync(request, token), cancellationToken);
        if (verdict is { } answer)
        {
            request.Changes.ApplyTo(facts.Headers);
            if (request.Tags.Count > 0)
            {
                exchange.Tags = [.. exchange.Tags ?? [], .. request.Tags];
            }

            return Conclude(rule, answer);
        }

        return Failed(rule, snapshot);
    }

    public async ValueTask<(ProxyError? Refusal, bool IsAllowed)> OnResponseAsync(
        Rule rule, FilteringSnapshot snapshot, Facts facts, Exchange exchange, CancellationToken cancellationToken)
    {
        var response = new TrafficResponse
        {
            Request = Describe(facts, exchange),
            Status = facts.Status,
            Headers = Copy(facts.ResponseHeaders),
            ContentLength = facts.ResponseSize,
        };
        var filter = _filters[rule.Action.Name];
        var verdict = await AskAsync(rule, snapshot, exchange, token => filter.OnResponseAsync(response, token), cancellationToken);
        if (verdict is { } answer)
        {
            response.Changes.ApplyTo(facts.ResponseHeaders);
            return Conclude(rule, answer);
        }

        return Failed(rule, snapshot);
    }

    /// <returns><see langword="null"/> where the filter did not answer.</returns>
    private async ValueTask<TrafficVerdict?> AskAsync(
        Rule rule, FilteringSnapshot snapshot, Exchange exchange, Func<CancellationToken, ValueTask<TrafficVerdict>> ask, CancellationToken cancellationToken)
    {
        var options = snapshot.Filters.GetValueOrDefault(rule.Action.Name, Unconfigured);
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var token = either.Token;

        // On a thread of its own: a filter that blocks would otherwise hold the exchange for as long as it likes.
        var answer = Task.Run(() => ask(token).AsTask(), CancellationToken.None);
        try
        {
            var verdict = await answer.WaitAsync(options.Timeout, time, cancellationToken);
            timeout.Token.ThrowIfCancellationRequested(); // what a filter answers because its time is over is no answer
            return verdict;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = timeout.IsCancellationRequested ? new TimeoutException($"The filter did not answer within {options.Timeout:c}.", e) : e;
            recorder.Failed(rule.Action.Name, exchange, failure, options.OnFailure);
            _ = answer.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            return null;
        }
    }

    private static (ProxyError? Refusal, bool IsAllowed) Conclude(Rule rule, TrafficVerdict verdict)
        => verdict.Refusal is { } message
            ? (rule.Action.Refusal! with { Detail = message, IsOperatorsText = true }, false)
            : (null, verdict.IsAllowed);

    private static (ProxyError? Refusal, bool IsAllowed) Failed(Rule rule, FilteringSnapshot snapshot)
        => snapshot.Filters.GetValueOrDefault(rule.Action.Name, Unconfigured).OnFailure == FilterDefault.Allow ? (null, false) : (rule.Action.Refusal, false);

    private static TrafficRequest Describe(in Facts facts, Exchange exchange) => new()
    {
        Id = exchange.Id,
        User = facts.Account?.Name,
        Groups = facts.Account?.Groups ?? [],
        ClientAddress = facts.Client,
        Endpoint = facts.Endpoint,
        WayIn = facts.WayIn.ToString(),
        Method = facts.Method,
        Scheme = facts.Scheme,
        Host = facts.Host,
        Port = facts.Port,
        Path = facts.HasPath ? facts.Path.ToString() : null,
        Query = facts.HasPath ? facts.Query.ToString() : null,
        Headers = Copy(facts.Headers),
    };

    private static Dictionary<string, StringValues> Copy(IHeaderDictionary? fields)
        => fields is null ? new(StringComparer.OrdinalIgnoreCase) : new(fields, StringComparer.OrdinalIgnoreCase);
}
