using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>Counts and logs what rules do. Questions without traffic leave no trace here.</summary>
internal sealed partial class FilteringRecorder(FilteringMetrics metrics, ILogger<TrafficFilter> logger)
{
    public const string DefaultRule = "default";

    /// <summary>A rule had effect.</summary>
    public void Decided(Rule rule)
    {
        rule.Hits.Count(enforced: true);
        metrics.Decided(rule.Name, rule.Action.Kind, enforced: true);
    }

    public void DecidedByDefault(FilterDefault action) => metrics.Decided(DefaultRule, ActionOf(action), enforced: true);

    /// <summary>A rule would have had effect.</summary>
    public void Reported(Rule rule, Exchange exchange)
    {
        rule.Hits.Count(enforced: false);
        metrics.Decided(rule.Name, rule.Action.Kind, enforced: false);
        metrics.Reported(rule.Name, exchange.User);
        LogReportOnly(exchange.Id, rule.Name, rule.Action.Kind, exchange.User);
    }

    /// <summary>The default would have had effect, were the section not to report only.</summary>
    public void ReportedDefault(FilterDefault action, Exchange exchange)
    {
        metrics.Decided(DefaultRule, ActionOf(action), enforced: false);
        if (action == FilterDefault.Deny)
        {
            metrics.Reported(DefaultRule, exchange.User);
            LogReportOnly(exchange.Id, DefaultRule, FilterAction.Deny, exchange.User);
        }
    }

    /// <summary>A filter of a program's own did not answer.</summary>
    public void Failed(string filter, Exchange exchange, Exception exception, FilterDefault countsAs)
    {
        metrics.Failed(filter, exception is TimeoutException ? "timeout" : "exception");
        LogFailure(exception, exchange.Id, filter, countsAs);
    }

    private static FilterAction ActionOf(FilterDefault action) => action == FilterDefault.Allow ? FilterAction.Allow : FilterAction.Deny;

    [LoggerMessage(Level = LogLevel.Information, Message = "Exchange {Exchange}: rule {Rule} matched and would {Action} for user {User}, but only reports.")]
    private partial void LogReportOnly(string exchange, string rule, FilterAction action, string? user);

    [LoggerMessage(Level = LogLevel.Error, Message = "Exchange {Exchange}: the filter {Filter} failed or took too long; that counts as {CountsAs}.")]
    private partial void LogFailure(Exception exception, string exchange, string filter, FilterDefault countsAs);
}
