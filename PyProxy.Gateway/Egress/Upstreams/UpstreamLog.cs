namespace PyProxy.Gateway.Egress.Upstreams;

internal static partial class UpstreamLog
{
    [LoggerMessage(20, LogLevel.Warning, "The upstream proxy {Upstream} of the egress profile {Profile} is out for {Duration}: {Reason}")]
    public static partial void Ejected(ILogger logger, string upstream, string profile, TimeSpan duration, string reason);

    [LoggerMessage(21, LogLevel.Warning, "The upstream proxy {Upstream} of the egress profile {Profile} is out until a check succeeds: {Reason}")]
    public static partial void CheckedOut(ILogger logger, string upstream, string profile, string reason);

    [LoggerMessage(22, LogLevel.Information, "The upstream proxy {Upstream} of the egress profile {Profile} is back.")]
    public static partial void Back(ILogger logger, string upstream, string profile);

    [LoggerMessage(23, LogLevel.Error, "Checking the upstream proxies of the egress profile {Profile} failed in an unexpected way; it goes on with the next round.")]
    public static partial void CheckBroke(ILogger logger, string profile, Exception exception);

    [LoggerMessage(24, LogLevel.Debug, "An exchange turns from the upstream proxy {Upstream} of the egress profile {Profile} to another one: {Reason}")]
    public static partial void FailedOver(ILogger logger, string upstream, string profile, string reason);
}
