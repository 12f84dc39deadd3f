using System.Diagnostics.Metrics;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users.Stores;

internal sealed class UserStoreMetrics
{
    private readonly Histogram<double> _verifications;
    private readonly Counter<long> _upgrades;
    private readonly Counter<long> _grace;
    private readonly Counter<long> _changes;
    private volatile int _badLines;

    public UserStoreMetrics(IMeterFactory meters, PasswordThreads threads, VerifiedCredentialCache verified, UserChanges changes)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _verifications = meter.CreateHistogram<double>(
            "pyproxy.users.verification.duration",
            "s",
            "Time that a password waited for and took to be verified, by outcome (right, wrong).",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25] });
        _upgrades = meter.CreateCounter<long>("pyproxy.users.upgrades", "{hash}", "Password hashes that a login replaced by a stronger one.");
        _grace = meter.CreateCounter<long>("pyproxy.users.outage_logins", "{login}", "Logins while a store was away, by outcome (kept, refused).");
        _changes = meter.CreateCounter<long>("pyproxy.users.changes", "{user}", "Users of whom everything remembered was dropped because they changed.");
        meter.CreateObservableGauge("pyproxy.users.verifications.waiting", () => threads.Waiting, "{password}", "Passwords that wait to be verified.");
        meter.CreateObservableGauge("pyproxy.users.remembered", () => verified.Count, "{credential}", "Verified credentials that are remembered.");
        meter.CreateObservableGauge("pyproxy.users.htpasswd.bad_lines", () => _badLines, "{line}", "Lines of the htpasswd file that are no user with an accepted hash.");
        changes.Subscribe(names => _changes.Add(names?.Count ?? 1));
    }

    public void Verified(TimeSpan duration, bool right) => _verifications.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", right ? "right" : "wrong"));

    public void Upgraded() => _upgrades.Add(1);

    public void DuringOutage(bool kept) => _grace.Add(1, new KeyValuePair<string, object?>("outcome", kept ? "kept" : "refused"));

    public void BadLines(int count) => _badLines = count;
}
