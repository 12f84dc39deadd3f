using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Polly.Telemetry;

namespace PyProxy.Gateway.Resilience;

/// <summary>
/// The pipelines of the configuration, made for each cluster when it is first asked for. A change of the configuration replaces those whose
/// settings changed; requests under way keep the one they began with, and what has not changed keeps its budget, places and breakers.
/// </summary>
internal sealed class RequestPipelines : IDisposable
{
    private readonly TelemetryOptions _telemetry;
    private readonly TimeProvider _time;
    private readonly IDisposable? _subscription;
    private volatile Snapshot _current;

    public RequestPipelines(
        IOptionsMonitor<ResilienceOptions> options, IOptions<TelemetryOptions> telemetry, ILoggerFactory loggers, TimeProvider time)
    {
        _telemetry = new TelemetryOptions(telemetry.Value) { LoggerFactory = loggers };
        _time = time;
        _current = new Snapshot(options.CurrentValue.Pipelines);
        _subscription = options.OnChange((changed, _) => _current = _current.Changed(changed.Pipelines));
    }

    /// <summary>The pipeline of a cluster, or of the forward role.</summary>
    /// <returns><see langword="null"/> where no pipeline has this name: a reload may be half-way through its sections.</returns>
    public RequestPipeline? Find(string name, string? cluster)
    {
        var current = _current;
        if (current.Pipelines.TryGetValue((name, cluster), out var known))
        {
            return known;
        }

        return current.Options.TryGetValue(name, out var options)
            ? current.Pipelines.GetOrAdd(
                (name, cluster),
                static (key, made) => new RequestPipeline(key.Name, key.Cluster, made.Options, made.Telemetry, made.Time),
                (Options: options ?? new PipelineOptions(), Telemetry: _telemetry, Time: _time))
            : null;
    }

    public void Dispose() => _subscription?.Dispose();

    private sealed class Snapshot(IReadOnlyDictionary<string, PipelineOptions> options)
    {
        public Dictionary<string, PipelineOptions> Options { get; } = new(options, StringComparer.OrdinalIgnoreCase);

        public ConcurrentDictionary<(string Name, string? Cluster), RequestPipeline> Pipelines { get; } = new();

        public Snapshot Changed(IReadOnlyDictionary<string, PipelineOptions> changed)
        {
            var next = new Snapshot(changed);
            foreach (var (key, pipeline) in Pipelines)
            {
                if (next.Options.TryGetValue(key.Name, out var now) && (now ?? new PipelineOptions()).SaysTheSameAs(pipeline.Options))
                {
                    next.Pipelines[key] = pipeline;
                }
            }

            return next;
        }
    }
}
