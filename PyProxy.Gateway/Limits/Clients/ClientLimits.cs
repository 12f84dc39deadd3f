using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Clients;

/// <summary>
/// Limits per client address for what happens before anybody knows who it is. Counted in this gateway alone: they protect it, they divide nothing
/// between users.
/// </summary>
internal sealed class ClientLimits : IConnectionGate, IDisposable
{
    private const string Name = "clients";

    private readonly LimitScope _connectionScope = new(Name + "-connections", LimitKey.Address);
    private readonly LimitScope _requestScope = new(Name + "-requests", LimitKey.Address);
    private readonly MemoryLimiterEngine _engine;
    private readonly LimitsMetrics _metrics;
    private readonly IDisposable? _subscription;
    private volatile Compiled _limits;

    public ClientLimits(MemoryLimiterEngine engine, IOptionsMonitor<LimitsOptions> options, LimitsMetrics metrics)
    {
        _engine = engine;
        _metrics = metrics;
        _limits = Compile(options.CurrentValue.Clients);
        _subscription = options.OnChange(changed => _limits = Compile(changed.Clients));
    }

    public bool TryOpen(IPAddress address, out IDisposable? open)
    {
        open = null;
        if (_limits.Connections is not { } plan)
        {
            return true;
        }

        var connection = new OpenConnection(_engine, plan, address);
        var decision = _engine.Acquire(connection.Attempt);
        if (!decision.IsAllowed)
        {
            _metrics.Refused(decision.Limit!);
            return false;
        }

        open = connection;
        return true;
    }

    /// <summary>Charges the client's address for a request.</summary>
    /// <returns>The refusal, or <see langword="null"/>.</returns>
    public ProxyError? Charge(Exchange exchange)
    {
        if (_limits.Requests is not { } plan)
        {
            return null;
        }

        var attempt = AttemptOf(plan, exchange.ClientAddress);
        var decision = _engine.Acquire(attempt);
        if (decision.IsAllowed)
        {
            return null;
        }

        _metrics.Refused(decision.Limit!);
        return ProxyErrors.TooManyRequests(decision.Limit!.FullName, decision.After) with { Setting = "Gateway:Limits:Clients:Requests" };
    }

    public void Dispose() => _subscription?.Dispose();

    private static LimitAttempt AttemptOf(Plan plan, IPAddress? address)
    {
        var attempt = new LimitAttempt { Subject = new LimitSubject(User: null, LimitSubject.NetworkOf(address), "", "") };
        attempt.Add(plan);
        return attempt;
    }

    private static List<Limit> Rates(IReadOnlyList<string> texts)
    {
        var limits = new List<Limit>(texts.Count + 1);
        foreach (var text in texts)
        {
            limits.Add(LimitParser.TryParseRate(Name, text, out var limit)
                ? limit with { Key = LimitKey.Address }
                : throw new InvalidOperationException("Gateway:Limits:Clients was not validated."));
        }

        return limits;
    }

    private Compiled Compile(ClientLimitsOptions options)
    {
        var connections = Rates(options.Handshakes);
        if (options.Connections is { } most)
        {
            connections.Add(new Limit(Name, $"{most} connections", LimitAlgorithm.Concurrency, most, TimeSpan.Zero, most, LimitKey.Address));
        }

        return new Compiled(PlanOf(_connectionScope, connections), PlanOf(_requestScope, Rates(options.Requests)));
    }

    private static Plan? PlanOf(LimitScope scope, List<Limit> limits)
        => limits.Count == 0 ? null : new Plan(scope.Plan, [new LimitGroup(scope, [.. limits])], down: null, up: null, quotas: [], rateLimitPolicy: null);

    private sealed record Compiled(Plan? Connections, Plan? Requests);

    /// <summary>What one connection holds.</summary>
    private sealed class OpenConnection(MemoryLimiterEngine engine, Plan plan, IPAddress address) : IDisposable
    {
        private int _closed;

        public LimitAttempt Attempt { get; } = AttemptOf(plan, address);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _closed, 1) == 0 && Attempt.HoldsPermits)
            {
                engine.Release(Attempt);
            }
        }
    }
}
