using Microsoft.Extensions.Options;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Telemetry.Log;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin;

internal static class AdminExtensions
{
    private const string MetricsPath = "/metrics";

    private const string Index = $"""
        PyProxy.Gateway, admin role

        {HealthEndpoints.LivePath}   the process answers
        {HealthEndpoints.ReadyPath}  new traffic may come
        {MetricsPath}       metrics for Prometheus
        {AdminApi.Root}        the admin API, described by {AdminApi.Document}

        """;

    /// <summary>Health, readiness and the life cycle: signals, draining, and what no task may hide.</summary>
    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddGatewaySection<ShutdownOptions, ShutdownOptionsValidator>(ShutdownOptions.Path);
        services.AddAdminApi();
        services.AddSingleton<Readiness>();
        services.AddSingleton<IHealthSignal>(static provider => provider.GetRequiredService<Readiness>());
        services.AddSingleton<DrainSignal>();
        services.AddSingleton<IDrainSignal>(static provider => provider.GetRequiredService<DrainSignal>());
        services.AddSingleton<OpenConnections>();
        services.AddSingleton<IHostLifetime, SignalLifetime>();
        services.AddHostedService<ShutdownSequence>();
        services.AddHostedService<UnobservedTaskFailures>();
        services.AddOptions<HostOptions>().Configure<IOptions<ShutdownOptions>>(
            static (host, shutdown) =>
            {
                host.ShutdownTimeout = ShutdownSequence.HostTimeout(shutdown.Value);
                host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore; // UnobservedTaskFailures says it aloud
            });
        return services;
    }

    /// <summary>Sends the clients of kept connections elsewhere once shutdown has begun.</summary>
    public static IApplicationBuilder UseDraining(this IApplicationBuilder app) => app.UseMiddleware<DrainingMiddleware>();

    /// <summary>Everything of the admin role; none of it exists on listeners of another role.</summary>
    public static IEndpointRouteBuilder MapAdmin(this IEndpointRouteBuilder endpoints)
    {
        var admin = endpoints.MapGroup("");
        admin.WithMetadata(new ListenerRoleMetadata(ListenerRole.Admin));
        admin.MapHealth();
        admin.MapAdminApi();
        admin.MapPrometheusScrapingEndpoint(MetricsPath).WithMetadata(ProbeMetadata.Instance);
        admin.MapGet("/", static context =>
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync(Index, context.RequestAborted);
        });
        return endpoints;
    }
}
