using System.Net;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>What the real process makes of where it is started and of the signal that is no end.</summary>
public sealed class ProcessSurroundingsTests
{
    /// <summary>As <c>dotnet run</c> does it: its working directory is the project's, the file that it finds the repository's.</summary>
    [Fact]
    public async Task StartedElsewhere_KeepsItsDataBesideItsConfigurationAndWatchesNothing()
    {
        await using var elsewhere = await GatewayProcess.StartElsewhereAsync(
            directory => GatewayServer.Configuration(directory, new Uri("http://127.0.0.1:9"), gateway: null)
                .Replace($"\"DataDirectory\": \"{directory}\"", "\"DataDirectory\": \"data\"", StringComparison.Ordinal)
                .Replace($"{directory}/access.log", "access.log", StringComparison.Ordinal));
        var ports = await elsewhere.ListeningAsync();
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri($"http://127.0.0.1:{ports["Web"]}/"), TestContext.Current.CancellationToken);
        var watched = Directory.GetFileSystemEntries($"/proc/{elsewhere.Id}/fd")
            .Select(descriptor => new FileInfo(descriptor).LinkTarget)
            .Count(target => target is not null && target.Contains("inotify", StringComparison.Ordinal));
        await elsewhere.SignalAsync("TERM");

        Assert.Equal(0, (await elsewhere.ExitAsync()).Code);
        Assert.True(File.Exists(Path.Combine(elsewhere.Folder, "data", "access.log")));
        Assert.Equal(0, watched);
    }

    [Fact]
    public async Task Hangup_ReloadsAndEndsNothing()
    {
        await using var gateway = await GatewayProcess.StartAsync(
            static directory => GatewayServer.Configuration(directory, new Uri("http://127.0.0.1:9"), gateway: null));
        var ports = await gateway.ListeningAsync();

        await gateway.SignalAsync("HUP");
        await gateway.LineAsync("applied, generation 2");

        using var client = new HttpClient();
        using var live = await client.GetAsync(new Uri($"http://127.0.0.1:{ports["Admin"]}/health/live"), TestContext.Current.CancellationToken);
        await gateway.SignalAsync("TERM");
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.Equal(0, (await gateway.ExitAsync()).Code);
    }
}
