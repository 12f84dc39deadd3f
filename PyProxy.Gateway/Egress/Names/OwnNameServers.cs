using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;

namespace PyProxy.Gateway.Egress.Names;

/// <summary>Asks the name servers of a profile, in their order, for A and AAAA at once.</summary>
internal sealed class OwnNameServers : INameLookup
{
    private const int Port = 53;

    // A datagram may get lost; whoever did not answer is asked once more when all others have been asked.
    private const int Rounds = 2;

    private readonly LookupClient _client;
    private readonly NameServer[][] _servers;

    public OwnNameServers(ProfileDnsOptions options)
    {
        _servers = [.. options.Servers.Select(static server => TryParse(server, out var endPoint)
            ? new[] { new NameServer(endPoint) }
            : throw new FormatException($"\"{server}\" is not the address of a name server."))];
        _client = new LookupClient(new LookupClientOptions([.. _servers.Select(static one => one[0])])
        {
            UseCache = false, // CachingResolver's is bounded and shared by all who ask at once
            Timeout = options.ServerTimeout,
            Retries = 0,
            UseTcpOnly = options.Transport == DnsTransport.Tcp,
            ThrowDnsErrors = false,
            ContinueOnDnsError = false,
        });
    }

    /// <summary>Reads <c>10.0.0.53</c>, <c>10.0.0.53:5353</c> or <c>[fd00::53]:53</c>.</summary>
    public static bool TryParse(string? text, out IPEndPoint endPoint)
    {
        if (IPEndPoint.TryParse(text ?? "", out var parsed) && text!.AsSpan().ContainsAny('.', ':'))
        {
            endPoint = parsed.Port == 0 ? new IPEndPoint(parsed.Address, Port) : parsed;
            return true;
        }

        endPoint = new IPEndPoint(IPAddress.Any, 0);
        return false;
    }

    public async ValueTask<NameAnswer> LookupAsync(string name, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(name, out var numeric))
        {
            return new NameAnswer([numeric], null);
        }

        var queries = (IPv6: QueryAsync(name, QueryType.AAAA, cancellationToken), IPv4: QueryAsync(name, QueryType.A, cancellationToken));
        var ipv6 = await queries.IPv6;
        var ipv4 = await queries.IPv4;
        List<IPAddress> addresses = [.. ipv6.Addresses, .. ipv4.Addresses];
        if (addresses.Count == 0)
        {
            // One that says that there is nothing knows more than one that did not answer; where both failed, the more telling failure.
            throw new SocketException((int)(ipv4.Error ?? ipv6.Error ?? SocketError.NoData));
        }

        return new NameAnswer(addresses, ipv6.TimeToLive < ipv4.TimeToLive ? ipv6.TimeToLive : ipv4.TimeToLive);
    }

    /// <summary>
    /// The first answer about the name, also that it does not exist. The library's own way through several servers takes that for a failure,
    /// and the next server for one that knows better.
    /// </summary>
    private async Task<Records> QueryAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        var failed = Records.Failed(SocketError.TryAgain);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var server in _servers)
            {
                var records = await QueryAsync(server, name, type, cancellationToken);
                if (records.Error is null or SocketError.HostNotFound or SocketError.NoData)
                {
                    return records;
                }

                failed = records;
            }
        }

        return failed;
    }

    private async Task<Records> QueryAsync(NameServer[] server, string name, QueryType type, CancellationToken cancellationToken)
    {
        IDnsQueryResponse response;
        try
        {
            response = await _client.QueryServerAsync(server, name, type, cancellationToken: cancellationToken);
        }
        catch (DnsResponseException e)
        {
            return Records.Failed(e.Code == DnsResponseCode.ConnectionTimeout ? SocketError.TimedOut : SocketError.TryAgain);
        }
        catch (ArgumentException)
        {
            return Records.Failed(SocketError.HostNotFound); // nothing that a name server could be asked for
        }

        if (response.HasError)
        {
            return Records.Failed(response.Header.ResponseCode == DnsHeaderResponseCode.NotExistentDomain ? SocketError.HostNotFound : SocketError.TryAgain);
        }

        List<IPAddress> addresses = [];
        var seconds = int.MaxValue;
        foreach (var record in response.Answers)
        {
            seconds = Math.Min(seconds, record.InitialTimeToLive); // aliases on the way hold no longer than they say either
            if (record is AddressRecord address)
            {
                addresses.Add(address.Address);
            }
        }

        return new Records(addresses, TimeSpan.FromSeconds(Math.Max(seconds, 0)), addresses.Count == 0 ? SocketError.NoData : null);
    }

    private sealed record Records(List<IPAddress> Addresses, TimeSpan TimeToLive, SocketError? Error)
    {
        // One half of an answer is not to be kept for long while the other half is only late.
        public static Records Failed(SocketError error) => new([], error == SocketError.HostNotFound ? TimeSpan.MaxValue : TimeSpan.Zero, error);
    }
}
