using System.Net.Sockets;
using Polly.Timeout;

namespace PyProxy.Gateway.Resilience;

/// <summary>Which failures to connect are worth another try.</summary>
internal static class ConnectFaults
{
    /// <summary>
    /// True for what may be different a moment later: nobody listens (yet), no answer, no route, a name server that did not answer.
    /// A name that does not exist and an address that may not be reached stay what they are, and are not asked for twice.
    /// </summary>
    public static bool IsTransient(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case TimeoutRejectedException:
                    return true;
                case SocketException socket:
                    return IsTransient(socket.SocketErrorCode);
            }
        }

        return false;
    }

    private static bool IsTransient(SocketError error) => error is SocketError.ConnectionRefused
        or SocketError.ConnectionReset
        or SocketError.TimedOut
        or SocketError.HostUnreachable
        or SocketError.HostDown
        or SocketError.NetworkUnreachable
        or SocketError.NetworkDown
        or SocketError.TryAgain;
}
