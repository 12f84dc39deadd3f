using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Egress;

/// <summary>Opens one TCP connection to one address. The seam to the network, by which tests reach addresses that a test machine has not.</summary>
internal interface IConnector
{
    /// <param name="endPoint">A vetted end point.</param>
    /// <param name="source">Local address to leave from, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Ends the attempt; it then holds nothing.</param>
    ValueTask<Socket> ConnectAsync(IPEndPoint endPoint, IPAddress? source, CancellationToken cancellationToken);
}

internal sealed class SocketConnector : IConnector
{
    public async ValueTask<Socket> ConnectAsync(IPEndPoint endPoint, IPAddress? source, CancellationToken cancellationToken)
    {
        // One family per socket: a dual-mode socket would show IPv4 peers as IPv4-mapped.
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

#pragma warning disable RS0030 // The one door out: Dialer vets every address before it comes here.
            await socket.ConnectAsync(endPoint, cancellationToken);
#pragma warning restore RS0030
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
