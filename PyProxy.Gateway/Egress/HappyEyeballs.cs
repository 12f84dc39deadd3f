using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress.Profiles;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// Happy Eyeballs version 2 (RFC 8305): of several addresses, the first that answers is taken; one that does not answer costs a quarter of
/// a second instead of the whole timeout.
/// </summary>
internal sealed class HappyEyeballs(IConnector connector, TimeProvider time)
{
    /// <summary>
    /// Brings addresses to the order of §4: families alternate, beginning with the family that the resolver put first (it has applied
    /// RFC 6724 and knows which family this machine has routes for).
    /// </summary>
    public static List<IPEndPoint> Interleave(IReadOnlyList<IPEndPoint> endPoints)
    {
        var result = new List<IPEndPoint>(endPoints.Count);
        if (endPoints.Count == 0)
        {
            return result;
        }

        var first = endPoints.Where(e => e.AddressFamily == endPoints[0].AddressFamily).ToArray();
        var second = endPoints.Where(e => e.AddressFamily != endPoints[0].AddressFamily).ToArray();
        for (var i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            if (i < first.Length)
            {
                result.Add(first[i]);
            }

            if (i < second.Length)
            {
                result.Add(second[i]);
            }
        }

        return result;
    }

    /// <summary>Connects to the first of the end points that answers; the attempts at the others are ended and closed.</summary>
    /// <exception cref="SocketException">All attempts failed; the most telling of their failures.</exception>
    public async Task<DialedConnection> ConnectAsync(
        IReadOnlyList<IPEndPoint> ordered, SourcePair source, TimeSpan delay, CancellationToken cancellationToken)
    {
        if (ordered.Count == 1)
        {
            return await AttemptAsync(ordered[0], source, cancellationToken);
        }

        using var race = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<DialedConnection>>(ordered.Count);
        try
        {
            return await RaceAsync(ordered, source, delay, running, race.Token);
        }
        finally
        {
            await race.CancelAsync();
            foreach (var loser in running)
            {
                await CloseAsync(loser);
            }
        }
    }

    private async Task<DialedConnection> RaceAsync(
        IReadOnlyList<IPEndPoint> ordered, SourcePair source, TimeSpan delay, List<Task<DialedConnection>> running, CancellationToken cancellationToken)
    {
        SocketException? failure = null;
        Task? headStart = null;
        var next = 0;
        while (true)
        {
            // 1. Start the next attempt when the running ones had their head start, or at once when one of them failed.
            if (next < ordered.Count && headStart is null or { IsCompleted: true })
            {
                running.Add(AttemptAsync(ordered[next++], source, cancellationToken));
                headStart = next < ordered.Count ? Task.Delay(delay, time, cancellationToken) : null;
            }

            if (running.Count == 0)
            {
                throw failure!; // every attempt has run and failed
            }

            // 2. Wait for whatever comes first.
            var finished = await Task.WhenAny(headStart is null ? running : [.. running, headStart]);
            cancellationToken.ThrowIfCancellationRequested();
            if (finished is not Task<DialedConnection> attempt)
            {
                continue;
            }

            // 3. The first success wins.
            running.Remove(attempt);
            try
            {
                return await attempt;
            }
            catch (SocketException e)
            {
                failure = MoreTelling(failure, e);
                headStart = null;
            }
        }
    }

    // "Refused" says that somebody is there; "no route" often only says that this machine lacks one of the two families.
    private static SocketException MoreTelling(SocketException? known, SocketException other)
        => known is null || Rank(other.SocketErrorCode) > Rank(known.SocketErrorCode) ? other : known;

    private static int Rank(SocketError error) => error switch
    {
        SocketError.ConnectionRefused or SocketError.ConnectionReset => 2,
        SocketError.TimedOut => 1,
        _ => 0,
    };

    private async Task<DialedConnection> AttemptAsync(IPEndPoint endPoint, SourcePair source, CancellationToken cancellationToken)
        => new(await connector.ConnectAsync(endPoint, source.For(endPoint.AddressFamily), cancellationToken), endPoint);

    private static async Task CloseAsync(Task<DialedConnection> loser)
    {
        try
        {
            await (await loser).DisposeAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // It lost; how is of no interest any more.
        }
    }
}
