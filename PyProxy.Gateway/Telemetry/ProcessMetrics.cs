using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace PyProxy.Gateway.Telemetry;

/// <summary>What limits a process that holds many connections, and what no meter of the framework tells: its open files. Linux only.</summary>
internal sealed class ProcessMetrics : IHostedService
{
    private const string OpenFiles = "/proc/self/fd";
    private const string Limits = "/proc/self/limits";

    public ProcessMetrics(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(ExchangeMetrics.MeterName);
        var started = new DateTimeOffset(Process.GetCurrentProcess().StartTime.ToUniversalTime(), TimeSpan.Zero).ToUnixTimeMilliseconds() / 1000.0;
        meter.CreateObservableGauge("pyproxy.process.open_files", CountOpenFiles, "{file}", "Open file descriptors of the process.");
        meter.CreateObservableGauge("pyproxy.process.open_files.limit", ReadLimit, "{file}", "How many file descriptors the process may have.");
        meter.CreateObservableGauge("pyproxy.process.start_time", () => started, "s", "When the process started, in seconds since 1970.");
    }

    // A service only to be there from the start: nobody else asks for it.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static IEnumerable<Measurement<long>> CountOpenFiles()
        => Directory.Exists(OpenFiles) ? [new Measurement<long>(Directory.EnumerateFileSystemEntries(OpenFiles).LongCount())] : [];

    private static IEnumerable<Measurement<long>> ReadLimit()
    {
        if (!File.Exists(Limits))
        {
            return [];
        }

        // "Max open files            1024                 524288               files": name, soft limit, hard limit, unit.
        const string name = "Max open files";
        foreach (var line in File.ReadLines(Limits))
        {
            if (line.StartsWith(name, StringComparison.Ordinal)
                && line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..]
                && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit))
            {
                return [new Measurement<long>(limit)];
            }
        }

        return []; // unlimited
    }
}
