namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>What a user has used that has not been written yet. There as long as there is any, or an exchange that may add some.</summary>
internal sealed class UserUsage(string name)
{
    private readonly Lock _lock = new();
    private Usage _pending;
    private int _exchanges;
    private bool _retired;

    public string Name { get; } = name;

    public Usage Pending
    {
        get
        {
            lock (_lock)
            {
                return _pending;
            }
        }
    }

    /// <summary>Counts an exchange that begins.</summary>
    /// <returns>False when this was forgotten meanwhile: the caller looks the user up again.</returns>
    public bool TryBegin()
    {
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }

            _exchanges++;
            _pending += new Usage(Requests: 1, 0, 0, 0, 0);
            return true;
        }
    }

    public void End()
    {
        lock (_lock)
        {
            _exchanges--;
        }
    }

    public void Add(in Usage usage)
    {
        lock (_lock)
        {
            _pending += usage;
        }
    }

    /// <param name="usage">What is to be written.</param>
    /// <returns>Whether this may be forgotten: there was nothing, and nothing runs.</returns>
    public bool TakeOrRetire(out Usage usage)
    {
        lock (_lock)
        {
            usage = _pending;
            _pending = default;
            return _retired = usage.IsNone && _exchanges == 0;
        }
    }
}
