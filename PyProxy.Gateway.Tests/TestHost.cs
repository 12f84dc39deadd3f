namespace PyProxy.Gateway.Tests;

/// <summary>
/// What a test's own server is built on: nothing of its surroundings. The framework's other builders read the configuration that lies in the
/// current directory, and watch it: with one of the system's few inotify instances each, and a watch for every folder below.
/// </summary>
internal static class TestHost
{
    public static WebApplicationBuilder CreateBuilder()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRouting();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        return builder;
    }
}
