using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Configuration;

internal sealed class ConfigurationMetrics
{
    public const string MeterName = "PyProxy.Gateway";

    private readonly Counter<long> _reloads;

    public ConfigurationMetrics(IMeterFactory meters)
    {
        _reloads = meters.Create(MeterName).CreateCounter<long>(
            "pyproxy.configuration.reloads", "{reload}", "Configurations read after the start, by outcome: applied, rejected, failed.");
    }

    public void Reloaded(string outcome) => _reloads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
