using PyProxy.Gateway.Sections;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.State;

internal static class StateExtensions
{
    /// <summary>The engines behind the gateway: Redis and the database.</summary>
    public static IServiceCollection AddSharedState(this IServiceCollection services)
        => services.AddGatewaySection<SharedStateOptions, SharedStateOptionsValidator>("Gateway:SharedState").AddDatabase();
}
