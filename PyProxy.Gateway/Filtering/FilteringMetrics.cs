using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Filtering;

internal sealed class FilteringMetrics
{
    // A name per user could otherwise make as many series as there are users.
    private const int MaxUsers = 1000;
    private const string OtherUsers = "(other)";
    private const string NoUser = "(anonymous)";

    private readonly Counter<long> _verdicts;
    private readonly Counter<long> _reports;
    private readonly Counter<long> _failures;
    private readonly ConcurrentDictionary<string, byte> _users = new(StringComparer.Ordinal);

    public FilteringMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _verdicts = meter.CreateCounter<long>(
            "pyproxy.filter.verdicts", "{verdict}",
            "What rules of the traffic filter did (allow, deny, close, redirect, rewrite, apply) or would have done (would_…), by rule.");
        _reports = meter.CreateCounter<long>(
            "pyproxy.filter.reports", "{report}", "Matches of rules that only report, by rule and user; users beyond the first 1000 are one.");
        _failures = meter.CreateCounter<long>(
            "pyproxy.filter.failures", "{failure}", "Questions that a filter of a program's own did not answer, by filter and reason (exception, timeout).");
    }

    /// <param name="rule">A rule's configured name, or <c>default</c>.</param>
    /// <param name="action">What it says.</param>
    /// <param name="enforced">False for what only reports.</param>
    public void Decided(string rule, FilterAction action, bool enforced)
    {
        if (_verdicts.Enabled)
        {
            _verdicts.Add(1, new KeyValuePair<string, object?>("rule", rule), new KeyValuePair<string, object?>("verdict", VerdictOf(action, enforced)));
        }
    }

    public void Reported(string rule, string? user)
    {
        if (_reports.Enabled)
        {
            _reports.Add(1, new KeyValuePair<string, object?>("rule", rule), new KeyValuePair<string, object?>("user", Bounded(user)));
        }
    }

    public void Failed(string filter, string reason)
        => _failures.Add(1, new KeyValuePair<string, object?>("filter", filter), new KeyValuePair<string, object?>("reason", reason));

    private string Bounded(string? user)
    {
        if (user is null)
        {
            return NoUser;
        }

        if (_users.ContainsKey(user))
        {
            return user;
        }

        // Two at a time may pass the bound together, which does no harm.
        return _users.Count < MaxUsers && _users.TryAdd(user, 0) ? user : OtherUsers;
    }

    private static string VerdictOf(FilterAction action, bool enforced) => (action, enforced) switch
    {
        (FilterAction.Allow, true) => "allow",
        (FilterAction.Deny, true) => "deny",
        (FilterAction.Close, true) => "close",
        (FilterAction.Redirect, true) => "redirect",
        (FilterAction.Rewrite, true) => "rewrite",
        (_, true) => "apply",
        (FilterAction.Allow, false) => "would_allow",
        (FilterAction.Deny, false) => "would_deny",
        (FilterAction.Close, false) => "would_close",
        (FilterAction.Redirect, false) => "would_redirect",
        (FilterAction.Rewrite, false) => "would_rewrite",
        _ => "would_apply",
    };
}
