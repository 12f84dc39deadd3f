namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// Leaves a record of calls of the admin API that were refused with 401 or 403. Anybody who reaches the port can make them: so many a minute are
/// recorded, and the next record says how many were not.
/// </summary>
internal sealed class RefusedAttempts(AuditLog log, AdminMetrics metrics, TimeProvider time)
{
    public const int RecordsPerMinute = 60;

    private readonly Lock _lock = new();
    private DateTimeOffset _minuteEnds;
    private int _recorded;
    private long _omitted;

    /// <param name="context">The call.</param>
    /// <param name="isKnown">Whether it is known who called: 403, and 401 otherwise.</param>
    /// <param name="reason">Why, where there is more to say.</param>
    public Task RecordAsync(HttpContext context, bool isKnown, string? reason)
    {
        var status = isKnown ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized;
        metrics.Refused(status);
        return MayRecord(out var omitted) ? log.RecordRefusalAsync(context, status, reason, omitted) : Task.CompletedTask;
    }

    private bool MayRecord(out long omitted)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (now >= _minuteEnds)
            {
                (_minuteEnds, _recorded) = (now.AddMinutes(1), 0);
            }

            if (_recorded == RecordsPerMinute)
            {
                _omitted++;
                omitted = 0;
                return false;
            }

            _recorded++;
            (omitted, _omitted) = (_omitted, 0);
            return true;
        }
    }
}
