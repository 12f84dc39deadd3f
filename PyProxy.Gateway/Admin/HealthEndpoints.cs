using System.Text.Json.Serialization;
using PyProxy.Gateway.Telemetry.Log;

namespace PyProxy.Gateway.Admin;

/// <summary>For those who keep the process running (live) and those who send it traffic (ready).</summary>
internal static partial class HealthEndpoints
{
    public const string LivePath = "/health/live";
    public const string ReadyPath = "/health/ready";

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        // Answering at all is what live means: a check of anything else would have a healthy process restarted for another's failure.
        endpoints.MapGet(LivePath, static context => WriteAsync(context, StatusCodes.Status200OK, new HealthReport("live")))
            .WithMetadata(ProbeMetadata.Instance);
        endpoints.MapGet(ReadyPath, ReadyAsync).WithMetadata(ProbeMetadata.Instance);
    }

    private static Task ReadyAsync(HttpContext context)
    {
        var readiness = context.RequestServices.GetRequiredService<Readiness>();
        if (readiness.NotReadyReason is { } reason)
        {
            return WriteAsync(context, StatusCodes.Status503ServiceUnavailable, new HealthReport("not ready") { Reason = reason });
        }

        var degraded = readiness.Degraded;
        return WriteAsync(
            context, StatusCodes.Status200OK, degraded.Count == 0 ? new HealthReport("ready") : new HealthReport("degraded") { Degraded = degraded });
    }

    private static Task WriteAsync(HttpContext context, int status, HealthReport report)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(report, HealthJson.Default.HealthReport, cancellationToken: context.RequestAborted);
    }

    internal sealed record HealthReport(string Status)
    {
        public string? Reason { get; init; }

        public IReadOnlyDictionary<string, string>? Degraded { get; init; }
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonSerializable(typeof(HealthReport))]
    private sealed partial class HealthJson : JsonSerializerContext;
}
