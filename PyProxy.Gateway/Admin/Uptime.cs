using System.Reflection;

namespace PyProxy.Gateway.Admin;

/// <summary>Which build runs, and since when.</summary>
internal sealed class Uptime(TimeProvider time)
{
    public static string Version { get; } =
        typeof(Uptime).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public DateTimeOffset Started { get; } = time.GetUtcNow();

    public TimeSpan Elapsed => time.GetUtcNow() - Started;
}
