using System.Diagnostics.Metrics;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// A task that failed and that nobody waited for is a bug; it is logged and counted rather than lost with the garbage. A background service
/// that ends by an exception is one too: the gateway goes on without it, degraded, instead of taking everybody's traffic down.
/// </summary>
internal sealed partial class UnobservedTaskFailures : IHostedLifecycleService
{
    private readonly Counter<long> _failures;
    private readonly IServiceProvider _services;
    private readonly IHealthSignal _health;
    private readonly ILogger<UnobservedTaskFailures> _logger;

    public UnobservedTaskFailures(
        IMeterFactory meterFactory, IServiceProvider services, IHealthSignal health, ILogger<UnobservedTaskFailures> logger)
    {
        _services = services; // the background services are hosted services like this one: they cannot be asked for before it exists
        _health = health;
        _logger = logger;
        _failures = meterFactory.Create(ExchangeMetrics.MeterName).CreateCounter<long>(
            "pyproxy.tasks.unobserved_failures", "{failure}", "Tasks that failed without anybody waiting for them. Anything but 0 is a bug.");
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        foreach (var service in _services.GetServices<IHostedService>().OfType<BackgroundService>())
        {
            _ = WatchAsync(service);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        TaskScheduler.UnobservedTaskException -= OnUnobserved;
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task WatchAsync(BackgroundService service)
    {
        if (service.ExecuteTask is not { } running)
        {
            return;
        }

        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.Exception is { } failure)
        {
            var name = service.GetType().Name;
            _failures.Add(1);
            _health.Degrade(name, "It has failed; what it does stands still until the gateway is restarted. The log has the exception.");
            LogServiceFailed(name, failure.InnerException ?? failure);
        }
    }

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs e)
    {
        _failures.Add(1);
        LogUnobserved(e.Exception);
        e.SetObserved();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A task failed and nobody had waited for it.")]
    private partial void LogUnobserved(Exception exception);

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Service} has failed; the gateway goes on without it until it is restarted.")]
    private partial void LogServiceFailed(string service, Exception exception);
}
