using System.Diagnostics.Metrics;
using PyProxy.Gateway.Telemetry;

namespace PyProxy.Gateway.Admin;

/// <summary>A task that failed and that nobody waited for is a bug; it is logged and counted rather than lost with the garbage.</summary>
internal sealed partial class UnobservedTaskFailures : IHostedService
{
    private readonly Counter<long> _failures;
    private readonly ILogger<UnobservedTaskFailures> _logger;

    public UnobservedTaskFailures(IMeterFactory meterFactory, ILogger<UnobservedTaskFailures> logger)
    {
        _logger = logger;
        _failures = meterFactory.Create(ExchangeMetrics.MeterName).CreateCounter<long>(
            "pyproxy.tasks.unobserved_failures", "{failure}", "Tasks that failed without anybody waiting for them. Anything but 0 is a bug.");
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        TaskScheduler.UnobservedTaskException -= OnUnobserved;
        return Task.CompletedTask;
    }

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs e)
    {
        _failures.Add(1);
        LogUnobserved(e.Exception);
        e.SetObserved();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A task failed and nobody had waited for it.")]
    private partial void LogUnobserved(Exception exception);
}
