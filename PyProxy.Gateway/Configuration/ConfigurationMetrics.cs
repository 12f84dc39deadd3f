using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Configuration;

internal sealed class ConfigurationMetrics
{
    public const string MeterName = "PyProxy.Gateway";

    private readonly Counter<long> _reloads;

    public ConfigurationMetrics(IMeterFactory meters, ConfigurationStatus status)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge(
            "pyproxy.configuration.in_force", () => status.Current.Problems.Count == 0 ? 1 : 0, null,
            "1 while what the file says is in force, 0 after it was rejected.");
        meter.CreateObservableGauge(
            "pyproxy.configuration.generation", () => status.Current.Generation, null,
            "1 after the start, one more with every configuration that was taken.");
        _reloads = meter.CreateCounter<long>(
            "pyproxy.configuration.reloads", "{reload}", "Configurations read after the start, by outcome: applied, rejected, failed.");
    }

    public void Reloaded(string outcome) => _reloads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
