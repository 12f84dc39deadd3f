using System.Buffers.Binary;
using System.Text;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>The client's side of SOCKS5 (RFC 1928) with name and password (RFC 1929). Reads exactly what belongs to it.</summary>
internal static class SocksHandshake
{
    private const byte Version = 5;
    private const byte NoAuthentication = 0;
    private const byte NameAndPassword = 2;
    private const byte IPv4 = 1;
    private const byte Name = 3;
    private const byte IPv6 = 4;

    /// <summary>Greets and authenticates.</summary>
    /// <returns>False where the proxy does not accept the credentials, or wants some where there are none.</returns>
    public static async Task<bool> GreetAsync(Stream stream, string? user, string? password, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(user is null ? new byte[] { Version, 1, NoAuthentication } : [Version, 2, NoAuthentication, NameAndPassword], cancellationToken);
        var reply = new byte[2];
        await stream.ReadExactlyAsync(reply, cancellationToken);
        Expect(reply[0] == Version);
        if (reply[1] == NoAuthentication)
        {
            return true;
        }

        if (reply[1] != NameAndPassword || user is null)
        {
            return false;
        }

        await stream.WriteAsync(Credentials(user, password ?? ""), cancellationToken);
        await stream.ReadExactlyAsync(reply, cancellationToken);
        return reply[1] == 0;
    }

    /// <summary>Asks for a connection to the target.</summary>
    /// <returns>The reply: 0 means that it stands.</returns>
    public static async Task<byte> ConnectAsync(Stream stream, HostPort target, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Request(target), cancellationToken);
        var head = new byte[4];
        await stream.ReadExactlyAsync(head, cancellationToken);
        Expect(head[0] == Version);

        // The address that the proxy connected from is of no interest, but it has to be read.
        var rest = new byte[256 + 2];
        switch (head[3])
        {
            case IPv4:
                await stream.ReadExactlyAsync(rest.AsMemory(0, 4 + 2), cancellationToken);
                break;
            case IPv6:
                await stream.ReadExactlyAsync(rest.AsMemory(0, 16 + 2), cancellationToken);
                break;
            case Name:
                await stream.ReadExactlyAsync(rest.AsMemory(0, 1), cancellationToken);
                await stream.ReadExactlyAsync(rest.AsMemory(0, rest[0] + 2), cancellationToken);
                break;
            default:
                Expect(head[1] != 0); // some refuse without an address; whoever accepts says one
                break;
        }

        return head[1];
    }

    private static byte[] Credentials(string user, string password)
    {
        var name = Encoding.UTF8.GetBytes(user);
        var secret = Encoding.UTF8.GetBytes(password);
        return [1, (byte)name.Length, .. name, (byte)secret.Length, .. secret];
    }

    private static byte[] Request(HostPort target)
    {
        byte[] host = target.TryGetAddress(out var address)
            ? [address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IPv4 : IPv6, .. address.GetAddressBytes()]
            : [Name, (byte)target.Host.Length, .. Encoding.ASCII.GetBytes(target.Host)];
        var port = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(port, (ushort)target.Port);
        return [Version, 1, 0, .. host, .. port];
    }

    private static void Expect(bool condition)
    {
        if (!condition)
        {
            throw new InvalidDataException("This is no SOCKS5.");
        }
    }
}
