using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// Watches the file and puts a changed one in force, if it is good. It looks at the file instead of asking the kernel for events: events do
/// not come from network mounts and many container volumes, a ConfigMap's swap happens in another directory than the file's, and one look a
/// second costs nothing.
/// </summary>
internal sealed partial class ConfigurationReloader(
    GatewayConfiguration configuration,
    ConfigurationStatus status,
    ConfigurationMetrics metrics,
    TimeProvider time,
    ILogger<ConfigurationReloader> logger) : BackgroundService
{
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Long enough for an editor to finish writing, short enough to go unnoticed.
    internal static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _oneAtATime = new(1);

    // What stood in the file when the configuration in force was read; taken before the host started, so no edit falls between.
    private FileFingerprint _seen = Look(configuration);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration.Loader.File.Path is null)
        {
            EmbeddedDefaults(logger, ConfigurationFile.DefaultName);
        }
        else
        {
            InForce(logger, configuration.Loader.File.DisplayName);
        }

        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One waiting request is enough: the reload that follows sees everything up to then.
        var hangups = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            hangups.Writer.TryWrite(true);
        });

        await Task.WhenAll(WatchFileAsync(stoppingToken), WatchHangupsAsync(hangups.Reader, stoppingToken));
    }

    /// <summary>Looks at the file once and reloads it if it changed.</summary>
    internal async Task PollAsync(CancellationToken cancellationToken)
    {
        var current = Look(configuration);
        if (current == _seen)
        {
            return;
        }

        FileFingerprint settled;
        while ((settled = await LookLaterAsync(cancellationToken)) != current)
        {
            current = settled;
        }

        await ReloadAsync(cancellationToken);
    }

    /// <summary>Reads, judges, and swaps or keeps.</summary>
    internal async Task ReloadAsync(CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            // Before reading: what is written from here on is the next look's business.
            _seen = Look(configuration);
            var loaded = await configuration.Loader.LoadAsync(cancellationToken);
            if (loaded.IsValid)
            {
                Apply(loaded);
            }
            else
            {
                Reject(loaded.Problems);
            }
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public override void Dispose()
    {
        _oneAtATime.Dispose();
        base.Dispose();
    }

    private static FileFingerprint Look(GatewayConfiguration configuration) =>
        configuration.Loader.File.Path is { } path ? FileFingerprint.Take(path) : default;

    private async Task<FileFingerprint> LookLaterAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Settling, time, cancellationToken);
        return Look(configuration);
    }

    private async Task WatchFileAsync(CancellationToken stoppingToken)
    {
        if (configuration.Loader.File.Path is null)
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await GuardAsync(PollAsync, stoppingToken);
        }
    }

    private async Task WatchHangupsAsync(ChannelReader<bool> hangups, CancellationToken stoppingToken)
    {
        await foreach (var _ in hangups.ReadAllAsync(stoppingToken))
        {
            await GuardAsync(ReloadAsync, stoppingToken);
        }
    }

    // A failure nobody foresaw must not end the watch, let alone the gateway.
    private async Task GuardAsync(Func<CancellationToken, Task> step, CancellationToken stoppingToken)
    {
        try
        {
            await step(stoppingToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            metrics.Reloaded("failed");
            ReloadFailed(logger, configuration.Loader.File.DisplayName, e);
        }
    }

    private void Apply(LoadedConfiguration loaded)
    {
        var needsRestart = configuration.Apply(loaded);
        status.Applied(needsRestart);
        metrics.Reloaded("applied");
        Applied(logger, configuration.Loader.File.DisplayName, status.Current.Generation);
        if (needsRestart.Count > 0)
        {
            RestartNeeded(logger, string.Join(", ", needsRestart));
        }
    }

    private void Reject(IReadOnlyList<ConfigurationProblem> problems)
    {
        status.Rejected(problems);
        metrics.Reloaded("rejected");
        Rejected(logger, configuration.Loader.File.DisplayName, problems.Count, status.Current.Generation);
        foreach (var problem in problems)
        {
            Problem(logger, problem);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Configuration {File} applied, generation {Generation}")]
    private static partial void Applied(ILogger logger, string file, int generation);

    [LoggerMessage(2, LogLevel.Warning, "Changed, but in force only after a restart: {Paths}")]
    private static partial void RestartNeeded(ILogger logger, string paths);

    [LoggerMessage(3, LogLevel.Error, "Configuration {File} rejected with {Count} problem(s); generation {Generation} stays in force")]
    private static partial void Rejected(ILogger logger, string file, int count, int generation);

    [LoggerMessage(4, LogLevel.Error, "{Problem}")]
    private static partial void Problem(ILogger logger, ConfigurationProblem problem);

    [LoggerMessage(5, LogLevel.Error, "Reloading {File} failed; the watch goes on")]
    private static partial void ReloadFailed(ILogger logger, string file, Exception exception);

    [LoggerMessage(6, LogLevel.Information, "Configuration {File} in force; edits to it are applied while the gateway runs")]
    private static partial void InForce(ILogger logger, string file);

    [LoggerMessage(7, LogLevel.Information, "No {Name} found: running on embedded defaults")]
    private static partial void EmbeddedDefaults(ILogger logger, string name);
}
