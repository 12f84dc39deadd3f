using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>Requests and tunnels that are under way, and cutting one.</summary>
internal static class ConnectionsResource
{
    private const int DefaultLimit = 200;
    private const int MaxLimit = 10_000;

    public static void Map(IEndpointRouteBuilder api)
    {
        var connections = api.MapGroup("/connections").WithTags("Connections");
        connections.MapGet("", List).WithSummary("Requests and tunnels that are under way, the oldest first.");
        connections.MapDelete("/{id}", CutAsync).WithSummary("Cuts one of them.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    /// <param name="exchanges">What is under way.</param>
    /// <param name="user">Only this user's.</param>
    /// <param name="client">Only those from this address.</param>
    /// <param name="target">Only those to this host, or host:port.</param>
    /// <param name="role">Only those of listeners of this role.</param>
    /// <param name="tunnels">Only tunnels (true), only what is none (false).</param>
    /// <param name="minAgeSeconds">Only those that have been under way for at least as long.</param>
    /// <param name="limit">At most so many, 1 to 10000; default 200.</param>
    private static ConnectionList List(
        [FromServices] LiveExchanges exchanges,
        string? user = null,
        string? client = null,
        string? target = null,
        Word<ListenerRole>? role = null,
        bool? tunnels = null,
        double minAgeSeconds = 0,
        int limit = DefaultLimit)
    {
        var matching = exchanges.List().Where(Matches).Select(Describe).OrderByDescending(connection => connection.AgeSeconds).ToList();
        return new ConnectionList(matching.Count, [.. matching.Take(Math.Clamp(limit, 1, MaxLimit))]);

        bool Matches(ExchangeMeasure measure)
        {
            var exchange = measure.Exchange;
            return (user is null || exchange.User == user)
                && (client is null || exchange.ClientAddress?.ToString() == client)
                && (target is null || IsTarget(exchange, target))
                && (role is null || exchange.Role == role.Value.Value)
                && (tunnels is null || exchange.IsTunnel == tunnels)
                && (minAgeSeconds <= 0 || measure.Age.TotalSeconds >= minAgeSeconds);
        }
    }

    private static async Task<IResult> CutAsync(string id, [FromServices] LiveExchanges exchanges, AuditedChange change)
    {
        if (exchanges.List().FirstOrDefault(measure => measure.Exchange.Id == id) is not { } measure)
        {
            return AdminApi.NotFound("Nothing under way has this id; it may have ended.");
        }

        change.Before = Describe(measure);
        return await exchanges.TryCutAsync(measure)
            ? TypedResults.NoContent()
            : AdminApi.NotFound("It ended by itself at this moment.");
    }

    private static bool IsTarget(Exchange exchange, string target)
        => exchange.Target is { } asked
            && (asked.Host.Equals(target, StringComparison.OrdinalIgnoreCase) || asked.ToString().Equals(target, StringComparison.OrdinalIgnoreCase));

    private static Connection Describe(ExchangeMeasure measure)
    {
        var exchange = measure.Exchange;
        return new Connection(
            exchange.Id,
            exchange.Role,
            exchange.Endpoint,
            exchange.WayIn,
            exchange.IsTunnel,
            exchange.ClientAddress?.ToString(),
            exchange.User,
            exchange.Target?.ToString(),
            exchange.Route,
            exchange.Cluster,
            exchange.Destination,
            Math.Round(measure.Age.TotalSeconds, 3),
            exchange.BytesIn,
            exchange.BytesOut);
    }

    /// <param name="Total">How many match, shown or not.</param>
    /// <param name="Connections">The oldest of them.</param>
    internal sealed record ConnectionList(int Total, IReadOnlyList<Connection> Connections);

    /// <param name="Id">The decision id, as in access log and refusals.</param>
    /// <param name="Role">Of the listener.</param>
    /// <param name="Endpoint">The listener's name.</param>
    /// <param name="WayIn">How it came in.</param>
    /// <param name="Tunnel">Whether bytes are being relayed.</param>
    /// <param name="Client">The client's address as policies see it.</param>
    /// <param name="User">Who asks, where known.</param>
    /// <param name="Target">Host and port asked for.</param>
    /// <param name="Route">The reverse proxy's route.</param>
    /// <param name="Cluster">Its cluster.</param>
    /// <param name="Destination">Where it went.</param>
    /// <param name="AgeSeconds">Since its head came.</param>
    /// <param name="BytesIn">From the client so far.</param>
    /// <param name="BytesOut">To the client so far.</param>
    internal sealed record Connection(
        string Id,
        ListenerRole Role,
        string? Endpoint,
        WayIn WayIn,
        bool Tunnel,
        string? Client,
        string? User,
        string? Target,
        string? Route,
        string? Cluster,
        string? Destination,
        double AgeSeconds,
        long BytesIn,
        long BytesOut);
}
