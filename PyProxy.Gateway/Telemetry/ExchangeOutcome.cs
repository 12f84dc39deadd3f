using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>How an exchange ended.</summary>
/// <param name="Status">The status the client got; 499 where it left before there was one.</param>
/// <param name="Duration">From the request's head to the end of its handling.</param>
/// <param name="TunnelDuration">From the tunnel's establishment to its end; <see langword="null"/> where there was none.</param>
/// <param name="Aborted">The answer, once begun, did not come to its proper end, or there was nobody left to get one.</param>
internal readonly record struct ExchangeOutcome(int Status, TimeSpan Duration, TimeSpan? TunnelDuration, bool Aborted)
{
    /// <summary>Time before the request was sent on; all of it where it never was.</summary>
    public TimeSpan GatewayTime { get; init; }

    /// <summary>Time that the destination was waited for; <see langword="null"/> where it was not asked.</summary>
    public TimeSpan? UpstreamTime { get; init; }

    public Ending EndingOf(Exchange exchange) => exchange.Verdict switch
    {
        Verdict.Unauthenticated => Ending.Unauthenticated,
        Verdict.Denied => Ending.Denied,
        Verdict.Limited => Ending.Limited,
        _ when Aborted || Status == StatusCodes.Status499ClientClosedRequest => Ending.Aborted,
        _ => exchange.Error?.Fault switch
        {
            null => Ending.Ok,
            Fault.Client => Ending.ClientError,
            Fault.Destination => Ending.DestinationError,
            _ => Ending.GatewayError,
        },
    };
}
