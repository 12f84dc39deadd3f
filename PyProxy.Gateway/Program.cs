using PyProxy.Gateway.Admin;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Commands;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Explain;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Forward;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Overload.Machine;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Listeners.Transport;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Reverse;
using PyProxy.Gateway.State;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway;

/// <summary>The story of the gateway: what it is made of, and the way of a request through it. docs/architecture.md tells it in prose.</summary>
public static class Program
{
    private static Task<int> Main(string[] args) => RunAsync(args);

    /// <summary>The gateway's command line, for programs that add to it.</summary>
    /// <param name="args">Arguments, as the gateway takes them.</param>
    /// <param name="extend">Registers what the program adds: <c>services.AddTrafficFilter&lt;T&gt;("name")</c>.</param>
    /// <returns>The process's exit code.</returns>
    public static Task<int> RunAsync(string[] args, Action<IServiceCollection>? extend = null) => GatewayCommands.RunAsync(args, Create(extend));

    /// <summary>What the commands are given.</summary>
    internal static GatewayProgram Create(Action<IServiceCollection>? extend = null) => new()
    {
        AddFeatures = (services, configuration) =>
        {
            AddFeatures(services, configuration);
            extend?.Invoke(services);
        },
        CreateAdminToken = AdminToken.CreateWithHash,
        Build = configuration => Build(configuration, extend),
        RunAsync = async (configuration, cancellationToken) =>
        {
            await using var gateway = Build(configuration, extend);
            await gateway.RunAsync(cancellationToken);
            return 0;
        },
    };

    /// <summary>The gateway on a valid configuration, not yet started.</summary>
    internal static WebApplication Build(GatewayConfiguration configuration, Action<IServiceCollection>? extend = null)
    {
        var builder = WebApplication.CreateSlimBuilder(configuration.HostOptions);
        builder.UseGatewayConfiguration(configuration); // the validated snapshot is the only configuration from here on
        builder.WebHost.UseListeners();
        builder.Logging.AddGatewayConsole();

        AddFeatures(builder.Services, builder.Configuration);
        extend?.Invoke(builder.Services);
        builder.Services.AddOpenTelemetry().WithGatewayTelemetry(builder.Configuration);

        var app = builder.Build();

        // The way of a request. Each stage may end it; what ends it is recorded by the outermost and written by the error stage.
        app.UseMachinePressure();   // before whatever costs: a machine that is short of something refuses first and does the rest later
        app.UseListenerAdapters();  // completes what SOCKS5 and the CONNECT normaliser began on the connection
        app.UseClientAddress();     // before everything that looks at the client: who is it really
        app.UseExchange();          // outermost record: exactly one line and one measurement, whatever happens behind
        app.UseDraining();          // before whatever answers: at the end of its time a kept connection is told so by any answer
        app.UseProxyErrors();       // failures of all later stages become answers here
        app.UseRequestRules();      // after it, every stage and the origin see one and the same request
        app.UseForwardEndpoint();   // forward and SOCKS listeners have one endpoint; it is chosen before routing, which then stands aside
        app.UseRouting();           // YARP's routes on reverse listeners, the admin's on admin listeners
        app.UseCors();              // a preflight carries no credentials
        app.UseClientLimits();      // what an address may ask before it is known who asks
        app.UseUserAuthentication(); // what UseAuthentication does, without a service scope and a handler for each request
        app.UseUsage();             // from here on it is known whose bytes they are
        app.UseRefusedRequestCharge(); // what the next two refuse costs what it would have cost
        app.UseUserAuthorization(); // a fast exit in front of UseAuthorization
        app.UseTrafficFilter();     // knows the user; before limits, because a rule may choose the plan
        app.UseQuotas();            // before rates: what is used up for the month takes none of them
        app.UsePlanLimits();        // a fast exit in front of UseRateLimiter
        app.UseAdmission();         // behind the rates: what they refuse need not wait for a place
        app.UseRequestTimeouts();   // a route's Timeout counts from here: waiting for policies is not the destination's
        app.UseOutputCache();       // innermost: a cached answer is for those who passed everything above

        app.MapReverse();
        app.MapAdmin();
        return app;
    }

    /// <summary>Everything the gateway is made of. Commands that run nothing register it too, to learn which sections there are.</summary>
    internal static void AddFeatures(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(GatewayIdentity.Create());
        services.AddResilience();
        services.AddSharedState();
        services.AddEgress();
        services.AddRequestRules();
        services.AddGatewayTransport();
        services.AddListeners();
        services.AddUsers();
        services.AddFiltering();
        services.AddFilterLists();
        services.AddLimits();
        services.AddMachinePressure();
        services.AddUsage();
        services.AddPrivacy();
        services.AddForward();
        services.AddReverse(configuration.GetSection("ReverseProxy"), AddPolicies);
        services.AddExplain();
        services.AddGatewayTelemetry();
        services.AddAdmin();
        services.AddRoutePolicies();
    }

    /// <summary>What YARP's routes may name: a candidate's routes are judged against the same names.</summary>
    private static void AddPolicies(IServiceCollection services)
    {
        services.AddUserPolicies();
        services.AddRoutePolicies();
        services.AddRoutePlans();
    }
}
