using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>Takes the gateway out of service without stopping it, and puts it back.</summary>
internal static class DrainResource
{
    private const string Reason = "drained by the admin API";

    public static void Map(IEndpointRouteBuilder api)
    {
        var drain = api.MapGroup("/drain").WithTags("Drain");
        drain.MapGet("", static ([FromServices] Readiness readiness, [FromServices] DrainSignal signal) => State(readiness, signal)).WithSummary("Whether it drains.");
        drain.MapPut("", Begin).WithSummary("Readiness off, kept connections are closed with their next answer; requests and tunnels go on.");
        drain.MapDelete("", End).WithSummary("Takes traffic again, unless the process is shutting down.").ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static DrainState Begin([FromServices] Readiness readiness, [FromServices] DrainSignal signal, AuditedChange change)
    {
        change.Before = State(readiness, signal);
        readiness.TurnOff(Reason);
        signal.BeginDraining();
        var state = State(readiness, signal);
        change.After = state;
        return state;
    }

    private static IResult End(
        [FromServices] Readiness readiness, [FromServices] DrainSignal signal, [FromServices] IHostApplicationLifetime application, AuditedChange change)
    {
        change.Before = State(readiness, signal);
        if (readiness.NotReadyReason is { } reason && reason != Reason || application.ApplicationStopping.IsCancellationRequested)
        {
            return AdminApi.Conflict("The process is shutting down; that cannot be taken back.");
        }

        signal.EndDraining();
        readiness.TurnOn();
        var state = State(readiness, signal);
        change.After = state;
        return TypedResults.Ok(state);
    }

    private static DrainState State(Readiness readiness, DrainSignal signal) => new(signal.Draining.IsCancellationRequested, readiness.NotReadyReason);

    internal sealed record DrainState(bool Draining, string? NotReadyReason);
}
