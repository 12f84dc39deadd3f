namespace PyProxy.Gateway.Limits.Redis;

/// <summary>Requests or tunnels of one subject that this gateway holds. Not to be used from two threads at once.</summary>
internal struct SharedHeld
{
    private long _inUse;

    // Those that Redis knows of; at least as many as are in use.
    private long _granted;

    // Those that Redis is being asked for.
    private long _asked;

    public readonly bool IsUsed => _inUse > 0 || _granted > 0 || _asked > 0;

    public readonly bool IsGranted => _granted > 0;

    /// <summary>What Redis is told that this gateway holds.</summary>
    public readonly long Told => _granted + _asked;

    /// <summary>Takes one of those that have been granted and are not in use at the moment: they are this gateway's own to give.</summary>
    public bool TryTake()
    {
        if (_inUse >= _granted)
        {
            return false;
        }

        _inUse++;
        return true;
    }

    /// <summary>Takes one by a number of this gateway's own: Redis is away.</summary>
    public bool TryTakeAlone(long share)
    {
        if (_inUse >= share)
        {
            return false;
        }

        _inUse++;
        _granted = Math.Max(_granted, _inUse);
        return true;
    }

    /// <summary>Redis is asked for one more.</summary>
    public void Ask() => _asked++;

    /// <summary>Redis has answered, or will not.</summary>
    public void Answered(bool isGranted)
    {
        _asked--;
        if (isGranted)
        {
            _granted++;
            _inUse++;
        }
    }

    /// <summary>Gives one back, but for so many that are kept.</summary>
    /// <returns>Whether Redis is to be told.</returns>
    public bool Release(long reserve)
    {
        _inUse--;
        var kept = _inUse + reserve;
        if (_granted <= kept)
        {
            return false;
        }

        _granted = kept;
        return true;
    }

    /// <summary>Gives back what is kept and not in use.</summary>
    /// <returns>Whether there was any.</returns>
    public bool GiveBackReserve()
    {
        var given = _granted > _inUse;
        _granted = _inUse;
        return given;
    }
}
