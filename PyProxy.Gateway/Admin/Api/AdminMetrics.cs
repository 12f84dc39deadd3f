using System.Diagnostics.Metrics;
using PyProxy.Gateway.Telemetry;

namespace PyProxy.Gateway.Admin.Api;

internal sealed class AdminMetrics
{
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _changes;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _auditFailures;

    public AdminMetrics(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(ExchangeMetrics.MeterName);
        _attempts = meter.CreateCounter<long>(
            "pyproxy.admin.authentication.attempts", "{attempt}", "Tokens presented to the admin API, by outcome (accepted, rejected).");
        _changes = meter.CreateCounter<long>("pyproxy.admin.changes", "{change}", "Calls of the admin API that change something, by status.");
        _refusals = meter.CreateCounter<long>("pyproxy.admin.refusals", "{call}", "Calls of the admin API that were refused, by status (401, 403).");
        _auditFailures = meter.CreateCounter<long>(
            "pyproxy.admin.audit.failures", "{record}", "Changes and refusals whose record could not be written to the audit log's file.");
    }

    public void Authenticated(bool accepted)
        => _attempts.Add(1, new KeyValuePair<string, object?>("outcome", accepted ? "accepted" : "rejected"));

    public void Changed(int status) => _changes.Add(1, new KeyValuePair<string, object?>("http.response.status_code", StatusTags.Boxed(status)));

    public void Refused(int status) => _refusals.Add(1, new KeyValuePair<string, object?>("http.response.status_code", StatusTags.Boxed(status)));

    public void AuditFailed() => _auditFailures.Add(1);
}
