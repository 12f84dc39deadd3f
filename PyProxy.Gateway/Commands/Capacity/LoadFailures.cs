using System.Net.Sockets;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What failures of a connection are called in a report.</summary>
internal static class LoadFailures
{
    public const string EndedEarly = "connection ended before the answer did";

    /// <summary>This machine, not the gateway, has no descriptor left.</summary>
    public const string NoDescriptors = "the load generator has no file descriptors left";

    /// <summary>This machine has no local port left for the destination.</summary>
    public const string NoPorts = "the load generator has no local ports left";

    public static string Of(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.ConnectionReset => "connection reset",
        SocketError.TooManyOpenSockets => NoDescriptors,
        SocketError.AddressNotAvailable => NoPorts,
        SocketError.TimedOut => "connecting timed out",
        _ => error.ToString(),
    };
}
