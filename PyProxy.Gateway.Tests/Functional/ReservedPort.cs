using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>An address where nobody listens: its port is bound, so that nobody else comes to listen there while it is held.</summary>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _bound = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="port">Which; 0 for any that is free.</param>
    public ReservedPort(int port = 0)
    {
        _bound.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true); // of whoever listened there connections may be left
        _bound.Bind(new IPEndPoint(IPAddress.Loopback, port));
    }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Authority => _bound.LocalEndPoint!.ToString()!;

    public Uri Url => new($"http://{Authority}/");

    public void Dispose() => _bound.Dispose();
}
