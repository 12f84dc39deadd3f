using Microsoft.Extensions.DependencyInjection.Extensions;
using Polly;
using Polly.DependencyInjection;
using Polly.Retry;
using Polly.Telemetry;
using Polly.Timeout;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Resilience;

internal static class ResilienceServiceCollectionExtensions
{
    /// <summary>
    /// Registers the pipeline of connecting, asked for by name from Polly's <c>ResiliencePipelineProvider&lt;string&gt;</c>, and the configured
    /// ones of requests. A change of the configuration rebuilds them; executions that run keep the pipeline they began with. Polly's own
    /// telemetry goes to the meter <c>Polly</c>.
    /// </summary>
    public static IServiceCollection AddResilience(this IServiceCollection services)
    {
        services.AddGatewaySection<ResilienceOptions, ResilienceOptionsValidator>(ResilienceOptions.SectionPath);
        services.TryAddSingleton(TimeProvider.System);

        // A destination that is down is the clients' daily business: a warning per retry would let any of them fill the log.
        services.Configure<TelemetryOptions>(telemetry => telemetry.SeverityProvider = static _ => ResilienceEventSeverity.Debug);
        services.AddMetrics();
        services.AddSingleton<ResilienceMetrics>();
        services.AddSingleton<RequestPipelines>();
        return services.AddResiliencePipeline<string>(PipelineNames.Connect, BuildConnect);
    }

    private static void BuildConnect(ResiliencePipelineBuilder builder, AddResiliencePipelineContext<string> context)
    {
        context.EnableReloads<ResilienceOptions>();
        var options = context.GetOptions<ResilienceOptions>().Connect;
        builder.TimeProvider = context.ServiceProvider.GetRequiredService<TimeProvider>();

        if (options.MaxRetries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.MaxRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.Delay,
                MaxDelay = options.MaxDelay,
                ShouldHandle = static attempt => ValueTask.FromResult(ConnectFaults.IsTransient(attempt.Outcome.Exception)),
            });
        }

        // Inside the retry: it bounds each try. The whole is bounded by whoever executes the pipeline.
        builder.AddTimeout(new TimeoutStrategyOptions { Timeout = options.Timeout });
    }
}
