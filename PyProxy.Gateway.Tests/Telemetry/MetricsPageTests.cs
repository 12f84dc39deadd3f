using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>docs/metrics.md has every instrument that the gateway makes, as it is scraped, and no other.</summary>
public sealed partial class MetricsPageTests
{
    [Fact]
    public async Task Page_HasEveryInstrumentAndNoOther()
    {
        var made = await MadeAsync();
        var told = (await ReadPageAsync()).Where(line => line.StartsWith("| `pyproxy_", StringComparison.Ordinal)).Select(Row).ToList();

        Assert.Equal(made.Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
    }

    /// <summary>The gateway makes its instruments with the classes that need them; all of these that are registered are asked for.</summary>
    private static async Task<IReadOnlyCollection<string>> MadeAsync()
    {
        var made = new ConcurrentDictionary<string, byte>(StringComparer.Ordinal);
        object? ours = null;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            // Tests run side by side: only the meters of this gateway's factory.
            if (instrument.Meter.Name == "PyProxy.Gateway" && ReferenceEquals(instrument.Meter.Scope, ours))
            {
                made[Scraped(instrument)] = 0;
            }
        };
        await using var gateway = await GatewayServer.StartAsync();
        ours = gateway.Services.GetRequiredService<IMeterFactory>();
        foreach (var type in typeof(Program).Assembly.GetTypes().Where(type => type.Name.EndsWith("Metrics", StringComparison.Ordinal) && !type.IsInterface))
        {
            gateway.Services.GetService(type);
        }

        listener.Start(); // also tells of those that there are already
        return [.. made.Keys];
    }

    // As the exporter translates names: dots to underscores, the unit behind, _total behind that.
    private static string Scraped(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        var isCounter = type.StartsWith("Counter", StringComparison.Ordinal) || type.StartsWith("ObservableCounter", StringComparison.Ordinal);
        var kind = isCounter ? "counter" : type.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram" : "gauge";
        var unit = instrument.Unit switch
        {
            "1" when !isCounter => "_ratio",
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        var name = instrument.Name.Replace('.', '_');
        return $"{name}{(name.EndsWith(unit, StringComparison.Ordinal) ? "" : unit)}{(isCounter ? "_total" : "")} {kind}";
    }

    private static string Row(string line)
    {
        var match = TableRow.Match(line);
        Assert.True(match.Success, line);
        return $"{match.Groups["name"].Value} {match.Groups["kind"].Value}";
    }

    private static async Task<string[]> ReadPageAsync()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "PyProxy.sln")))
        {
            directory = directory.Parent!;
        }

        return await File.ReadAllLinesAsync(Path.Combine(directory.FullName, "docs", "metrics.md"), TestContext.Current.CancellationToken);
    }

    [GeneratedRegex(@"^\| `(?<name>\w+)` \| (?<kind>\w+) \| [^|]*\| [^|]+ \|$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex TableRow { get; }
}
