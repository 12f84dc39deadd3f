using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Users;

internal sealed class UsersMetrics
{
    private readonly Counter<long> _attempts;

    public UsersMetrics(IMeterFactory meters)
    {
        _attempts = meters.Create("PyProxy.Gateway").CreateCounter<long>(
            "pyproxy.authentication.attempts", "{attempt}", "Credentials that clients presented, by scheme and outcome (accepted, rejected, malformed).");
    }

    public void Attempt(string scheme, string outcome)
        => _attempts.Add(1, new KeyValuePair<string, object?>("scheme", scheme), new KeyValuePair<string, object?>("outcome", outcome));
}
