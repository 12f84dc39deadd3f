using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>Judges an exchange by the configured rules. Knows no HTTP, so that a question without traffic gets the same answer.</summary>
internal sealed partial class TrafficFilter : IDisposable
{
    private const string DefaultRule = "default";
    private readonly FilteringMetrics _metrics;
    private readonly ILogger _logger;
    private readonly IDisposable? _subscription;
    private volatile RuleSet _rules;

    public TrafficFilter(IOptionsMonitor<FilteringOptions> options, FilteringMetrics metrics, ILogger<TrafficFilter> logger)
    {
        _metrics = metrics;
        _logger = logger;
        _rules = new RuleSet(options.CurrentValue);
        _subscription = options.OnChange(changed => _rules = new RuleSet(changed));
    }

    /// <returns>Why the exchange is refused; <see langword="null"/> when it may go on.</returns>
    public ProxyError? Judge(Exchange exchange, string host)
    {
        var rules = _rules;
        var client = exchange.ClientAddress is null ? null : ClientRange.Unmap(exchange.ClientAddress);
        var from = 0;
        while (rules.FirstMatch(host, client, from) is { } rule)
        {
            var enforced = rule.Mode == FilterMode.Enforce;
            _metrics.Decided(rule.Name, rule.Action, enforced);
            if (enforced)
            {
                exchange.DecidedBy = rule.Name;
                return rule.Action == FilterAction.Allow ? null : Refusal(rule.Name, rule.Setting);
            }

            LogReportOnly(exchange.Id, rule.Name, rule.Action);
            from = rule.Index + 1; // what only reports leaves the decision to those after it
        }

        _metrics.Decided(DefaultRule, rules.Default, enforced: true);
        return rules.Default == FilterAction.Allow ? null : Refusal(DefaultRule, "Gateway:Filtering:Default");
    }

    public void Dispose() => _subscription?.Dispose();

    private static ProxyError Refusal(string rule, string setting)
        => ProxyErrors.NotAllowed($"The rule \"{rule}\" does not allow this destination.", rule, setting);

    [LoggerMessage(Level = LogLevel.Information, Message = "Exchange {Exchange}: rule {Rule} matched and would decide {Action}, but only reports.")]
    private partial void LogReportOnly(string exchange, string rule, FilterAction action);
}
