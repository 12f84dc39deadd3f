using PyProxy.Gateway.Admin;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Forward;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Reverse;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Configuration;

/// <summary>The features whose sections make up schema and reference.</summary>
internal static class Features
{
    public static void AddAll(IServiceCollection services, IConfiguration configuration)
    {
        services.AddListenerAdapters();
        services.AddUsers();
        services.AddFiltering();
        services.AddLimits();
        services.AddEgress();
        services.AddResilience();
        services.AddReverse(configuration.GetSection("ReverseProxy"));
        services.AddForward();
        services.AddGatewayTelemetry();
        services.AddAdmin();
    }
}
