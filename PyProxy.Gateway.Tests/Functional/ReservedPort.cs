using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>An address where nobody listens: its port is bound, so that nobody else comes to listen there while it is held.</summary>
internal sealed class ReservedPort : IDisposable
{
    private const int SocketLevel = 1;  // SOL_SOCKET of Linux
    private const int ReusePort = 15;   // SO_REUSEPORT

    private readonly Socket _bound = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ReservedPort()
    {
        Share(_bound);
        _bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Authority => _bound.LocalEndPoint!.ToString()!;

    public Uri Url => new($"http://{Authority}/");

    /// <summary>Listens there, until the listener is disposed of; the port stays reserved.</summary>
    public TcpListener Listen()
    {
        var listener = new TcpListener((IPEndPoint)_bound.LocalEndPoint!);
        Share(listener.Server);
        listener.Start();
        return listener;
    }

    public void Dispose() => _bound.Dispose();

    private static void Share(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption(SocketLevel, ReusePort, BitConverter.GetBytes(1));
        }
    }
}
