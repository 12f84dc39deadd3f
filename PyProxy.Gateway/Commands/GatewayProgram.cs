using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Commands;

/// <summary>What the commands need of the program that stands above them.</summary>
internal sealed record GatewayProgram
{
    /// <summary>
    /// Registers every feature on the validated configuration. Commands that run nothing call it with an empty one, to learn the sections.
    /// </summary>
    public required Action<IServiceCollection, IConfiguration> AddFeatures { get; init; }

    /// <summary>Runs the gateway on a configuration that was found good, until the token or a signal ends it.</summary>
    public required Func<GatewayConfiguration, CancellationToken, Task<int>> RunAsync { get; init; }

    /// <summary>Builds the gateway on a configuration that was found good, and does not start it: for questions to its parts.</summary>
    public required Func<GatewayConfiguration, WebApplication> Build { get; init; }

    /// <summary>Makes a token for the admin API, and what the configuration holds of it.</summary>
    public required Func<(string Token, string Hash)> CreateAdminToken { get; init; }
}
