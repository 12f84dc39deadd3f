using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Overload;

/// <summary>Whose requests wait together: a user's, or without one a client network's.</summary>
internal readonly record struct AdmissionKey(string? User, UInt128 Address)
{
    public static AdmissionKey Of(Exchange exchange)
        => exchange.User is { } user ? new AdmissionKey(user, default) : new AdmissionKey(User: null, LimitSubject.NetworkOf(exchange.ClientAddress));
}

/// <summary>A place among the requests that are worked on.</summary>
/// <param name="User">Whose; <see langword="null"/> where there is none to be had in time.</param>
/// <param name="Wait">Without a place: how long the queue takes that was in front; <see langword="null"/> while that is not known.</param>
internal readonly record struct AdmissionPlace(UserQueue? User, TimeSpan? Wait = null)
{
    public bool IsGiven => User is not null;

    public static AdmissionPlace None(TimeSpan? wait) => new(User: null, wait);
}
