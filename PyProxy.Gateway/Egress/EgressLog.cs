using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

// Debug throughout: what strangers ask for is in the access log, and must not be able to fill another one.
internal static partial class EgressLog
{
    [LoggerMessage(10, LogLevel.Debug, "{Target} must not be reached at {Address}: {Reason}.")]
    public static partial void Prohibited(ILogger logger, HostPort target, IPAddress address, AddressReason reason);

    [LoggerMessage(11, LogLevel.Debug, "Connecting to {Target} failed: {Error}.")]
    public static partial void ConnectFailed(ILogger logger, HostPort target, SocketError error);

    [LoggerMessage(12, LogLevel.Information, "The address policy of forward requests changed; the old policy's pooled connections are closed once their requests end.")]
    public static partial void PoolRetired(ILogger logger);
}
