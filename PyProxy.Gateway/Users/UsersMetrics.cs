using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Users;

internal sealed class UsersMetrics
{
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _keyReads;

    public UsersMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _attempts = meter.CreateCounter<long>(
            "pyproxy.authentication.attempts",
            "{attempt}",
            "Credentials that clients presented, by scheme and outcome (accepted, rejected, malformed, unsupported, limited).");
        _keyReads = meter.CreateCounter<long>(
            "pyproxy.authentication.key_reads", "{read}", "How often the signing keys of an issuer of tokens were read, by outcome (success, failure).");
    }

    public void KeysRead(string outcome) => _keyReads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Attempt(string scheme, string outcome)
        => _attempts.Add(1, new KeyValuePair<string, object?>("scheme", scheme), new KeyValuePair<string, object?>("outcome", outcome));
}
