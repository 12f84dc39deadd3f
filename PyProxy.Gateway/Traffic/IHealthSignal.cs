namespace PyProxy.Gateway.Traffic;

/// <summary>Where a feature says that it works with less than it should have. Degraded is still ready.</summary>
internal interface IHealthSignal
{
    /// <param name="part">Short name of what is affected.</param>
    /// <param name="reason">One sentence; anybody who can reach the admin role reads it, so nothing secret.</param>
    void Degrade(string part, string reason);

    void Restore(string part);
}
