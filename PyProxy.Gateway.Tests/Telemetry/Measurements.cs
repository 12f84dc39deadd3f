using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>
/// The instruments of one gateway: tests run side by side, and a scrape shows all gateways of the process. Counters by their sum, histograms by
/// how often they were recorded to, gauges by their value; the key is name and tags, in the order of tags' names.
/// </summary>
internal sealed class Measurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _values = new(StringComparer.Ordinal);

    public Measurements(IMeterFactory factory)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, factory))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public double this[string series]
    {
        get
        {
            _listener.RecordObservableInstruments();
            return _values.TryGetValue(series, out var value) ? value : throw new KeyNotFoundException($"{series} is not among:\n{string.Join('\n', _values.Keys.Order())}");
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = string.Join(',', tags.ToArray().OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}"));
        var series = text.Length == 0 ? instrument.Name : $"{instrument.Name}{{{text}}}";
        _values.AddOrUpdate(
            series,
            instrument is Histogram<double> ? 1 : value,
            (_, before) => instrument is Histogram<double> ? before + 1 : instrument.IsObservable ? value : before + value);
    }
}
