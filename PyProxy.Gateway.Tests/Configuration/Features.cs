namespace PyProxy.Gateway.Tests.Configuration;

/// <summary>The features whose sections make up schema and reference: the program's own.</summary>
internal static class Features
{
    public static void AddAll(IServiceCollection services, IConfiguration configuration) => Program.AddFeatures(services, configuration);
}
