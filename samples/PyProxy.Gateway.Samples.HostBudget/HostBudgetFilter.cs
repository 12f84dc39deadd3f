using System.Collections.Concurrent;
using PyProxy.Gateway.Filtering;

namespace PyProxy.Gateway.Samples.HostBudget;

/// <summary>
/// Lets each user talk to so many different hosts an hour, and no more: a program that begins to look around finds the door closed, while its daily work,
/// which goes to few hosts, does not notice. The setting <c>HostBudget</c> says how many; default 100.
/// </summary>
public sealed class HostBudgetFilter(TimeProvider time, IConfiguration configuration) : ITrafficFilter
{
    private static readonly TimeSpan Window = TimeSpan.FromHours(1);

    private readonly int _budget = configuration.GetValue("HostBudget", 100);
    private readonly ConcurrentDictionary<string, Budget> _budgets = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ValueTask<TrafficVerdict> OnRequestAsync(TrafficRequest request, CancellationToken cancellationToken)
    {
        if (request.User is not { } user)
        {
            return ValueTask.FromResult(TrafficVerdict.Continue); // users are bounded in number; strangers' addresses would not be
        }

        var budget = _budgets.GetOrAdd(user, static _ => new Budget());
        return ValueTask.FromResult(budget.Take(request.Host, _budget, time.GetUtcNow())
            ? TrafficVerdict.Continue
            : TrafficVerdict.Deny($"You have asked for {_budget} different hosts within this hour; try again later."));
    }

    private sealed class Budget
    {
        private readonly HashSet<string> _hosts = new(StringComparer.Ordinal);
        private readonly Lock _gate = new();
        private DateTimeOffset _since = DateTimeOffset.MinValue;

        public bool Take(string host, int budget, DateTimeOffset now)
        {
            lock (_gate)
            {
                if (now - _since >= Window)
                {
                    _hosts.Clear();
                    _since = now;
                }

                return _hosts.Contains(host) || (_hosts.Count < budget && _hosts.Add(host));
            }
        }
    }
}
