using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PyProxy.Gateway.Limits.Overload.Machine;

internal static class MachinePressureExtensions
{
    /// <summary>The watch over the machine. Needs <c>AddLimits</c> and an <see cref="Traffic.IHealthSignal"/>.</summary>
    public static IServiceCollection AddMachinePressure(this IServiceCollection services)
    {
        services.TryAddSingleton<IMachine, LocalMachine>();
        services.AddSingleton<MachinePressure>();
        services.AddHostedService(static provider => provider.GetRequiredService<MachinePressure>());
        return services;
    }

    /// <summary>Refuses while the machine is short of something. Stands before everything that costs.</summary>
    public static IApplicationBuilder UseMachinePressure(this IApplicationBuilder app) => app.UseMiddleware<MachinePressureMiddleware>();
}
