using System.Diagnostics;

namespace PyProxy.Gateway.Traffic;

/// <summary>
/// The process's one source of spans. A span is made only below one that is recorded: where nobody exports traces, and for exchanges that
/// were not chosen, a question here costs a field read and no allocation.
/// </summary>
internal static class GatewayTracing
{
    public const string SourceName = "PyProxy.Gateway";

    public static readonly ActivitySource Source = new(SourceName, typeof(GatewayTracing).Assembly.GetName().Version?.ToString(3) ?? "");

    /// <summary>
    /// The span of a try, on the request that is sent for it: connections are opened in the handler's own flow, which would not find it.
    /// </summary>
    public static readonly HttpRequestOptionsKey<Activity> Try = new("PyProxy.Gateway.Try");

    /// <summary>A span below the current one; <see langword="null"/> where that is not recorded. To be disposed.</summary>
    public static Activity? StartChild(string name, ActivityKind kind = ActivityKind.Internal)
        => Source.HasListeners() && Activity.Current is { Recorded: true } ? Source.StartActivity(name, kind) : null;

    /// <summary>Marks a span as failed.</summary>
    /// <param name="span">Which.</param>
    /// <param name="type">A word of ours: a <c>Proxy-Status</c> token, a status.</param>
    public static void Fail(this Activity span, string type)
    {
        span.SetTag("error.type", type);
        span.SetStatus(ActivityStatusCode.Error);
    }
}
