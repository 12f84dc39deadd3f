namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>What took an upstream proxy out or brought it back.</summary>
internal enum UpstreamEvidence
{
    /// <summary>What became of exchanges.</summary>
    Traffic = 0,

    /// <summary>Checks beside the traffic.</summary>
    Check,
}

/// <summary>
/// Whether an upstream proxy is in. Failures of traffic take it out for a time that doubles when it fails again at its return; failed checks
/// take it out until one succeeds.
/// </summary>
internal sealed class UpstreamHealth(TimeProvider time)
{
    private readonly Lock _gate = new();
    private int _failures;
    private int _checkFailures;
    private int _ejections;
    private bool _checksFailed;
    private bool _onProbation;
    private long _outSince;
    private TimeSpan _outFor;
    private int _inUse;
    private long _taken;
    private long _failed;
    private long _answeredAt;

    /// <summary>Requests and tunnels that it carries now.</summary>
    public int InUse => Volatile.Read(ref _inUse);

    /// <summary>How often it was chosen.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>How often it failed those.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>What went wrong last; <see langword="null"/> = nothing yet.</summary>
    public string? LastFailure { get; private set; }

    public bool IsIn
    {
        get
        {
            lock (_gate)
            {
                return !_checksFailed && OutFor == TimeSpan.Zero;
            }
        }
    }

    /// <summary>How long failures of traffic still keep it out; zero where they do not.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_gate)
            {
                return OutFor;
            }
        }
    }

    private TimeSpan OutFor
    {
        get
        {
            var left = _outFor - time.GetElapsedTime(_outSince);
            return _outFor > TimeSpan.Zero && left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Takes a place for one request or tunnel; disposing gives it back.</summary>
    public IDisposable Use()
    {
        Interlocked.Increment(ref _inUse);
        Interlocked.Increment(ref _taken);
        return new Place(this);
    }

    /// <summary>Whether it has said anything to anybody since a moment of the clock, be it a refusal.</summary>
    public bool HasAnsweredSince(long moment) => Volatile.Read(ref _answeredAt) >= moment;

    /// <summary>It has said something: whatever it was, it is alive.</summary>
    public void Answered() => Volatile.Write(ref _answeredAt, time.GetTimestamp());

    public void Succeeded()
    {
        Answered();

        // Without the lock in the usual case, which is every request: what is missed by a hair is made up for by the next.
        if (Volatile.Read(ref _failures) == 0 && !Volatile.Read(ref _onProbation))
        {
            return;
        }

        lock (_gate)
        {
            _failures = 0;
            _ejections = 0;
            _onProbation = false;
        }
    }

    /// <returns>True where this failure took it out.</returns>
    public bool HasFailed(string failure, UpstreamPoolOptions limits)
    {
        Interlocked.Increment(ref _failed);
        lock (_gate)
        {
            LastFailure = failure;
            if (OutFor > TimeSpan.Zero)
            {
                return false; // an exchange that began before
            }

            if (++_failures < limits.FailuresToEject && !_onProbation)
            {
                return false;
            }

            var doubled = limits.EjectionTime.TotalMilliseconds * Math.Pow(2, Math.Min(_ejections++, 20));
            _outFor = TimeSpan.FromMilliseconds(Math.Min(doubled, limits.MaxEjectionTime.TotalMilliseconds));
            _outSince = time.GetTimestamp();
            _onProbation = true; // at its return one more failure is enough
            _failures = 0;
            return true;
        }
    }

    /// <returns>True where this brought it back. A check that succeeds after others failed also ends what traffic had decided.</returns>
    public bool CheckSucceeded()
    {
        lock (_gate)
        {
            _checkFailures = 0;
            if (!_checksFailed)
            {
                return false;
            }

            _checksFailed = false;
            _outFor = TimeSpan.Zero;
            return true;
        }
    }

    /// <returns>True where this took it out.</returns>
    public bool CheckFailed(string failure, UpstreamPoolOptions limits)
    {
        lock (_gate)
        {
            LastFailure = failure;
            if (++_checkFailures < limits.FailuresToEject || _checksFailed)
            {
                return false;
            }

            _checksFailed = true;
            return true;
        }
    }

    /// <summary>Nobody checks any more, so no check will bring it back.</summary>
    public void ForgetChecks()
    {
        lock (_gate)
        {
            _checkFailures = 0;
            _checksFailed = false;
        }
    }

    private sealed class Place(UpstreamHealth health) : IDisposable
    {
        private UpstreamHealth? _health = health;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _health, null) is { } owner)
            {
                Interlocked.Decrement(ref owner._inUse);
            }
        }
    }
}
