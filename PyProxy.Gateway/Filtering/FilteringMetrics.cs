using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Filtering;

internal sealed class FilteringMetrics
{
    private readonly Counter<long> _verdicts;

    public FilteringMetrics(IMeterFactory meters)
    {
        _verdicts = meters.Create("PyProxy.Gateway").CreateCounter<long>(
            "pyproxy.filter.verdicts", "{verdict}", "Verdicts of the traffic filter, by deciding rule and verdict (allow, deny, would_allow, would_deny).");
    }

    /// <param name="rule">A rule's configured name, or <c>default</c>.</param>
    /// <param name="action">What it says.</param>
    /// <param name="enforced">False for a rule that only reports.</param>
    public void Decided(string rule, FilterAction action, bool enforced)
    {
        if (_verdicts.Enabled)
        {
            var verdict = (action, enforced) switch
            {
                (FilterAction.Allow, true) => "allow",
                (FilterAction.Deny, true) => "deny",
                (FilterAction.Allow, false) => "would_allow",
                _ => "would_deny",
            };
            _verdicts.Add(1, new KeyValuePair<string, object?>("rule", rule), new KeyValuePair<string, object?>("verdict", verdict));
        }
    }
}
