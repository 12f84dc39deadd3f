using System.Globalization;
using System.Text;
using PyProxy.Gateway.Commands.Capacity;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>
/// What one exchange allocates in a gateway of its own, by its own metrics. Bytes do not depend on how busy the machine is, as time does; a
/// regression of the hot path shows here first. The bounds are for this build without optimisation, in which every asynchronous method that waits
/// allocates more; docs/performance.md has the figures of a Release build.
/// </summary>
public sealed class AllocationTests
{
    private const int WarmUp = 200;
    private const int Measured = 500;
    private const double MostPerRequest = 14_000;
    private const double MostPerTunnel = 40_000;

    private string _lastText = "";

    [Fact]
    public async Task RequestAndTunnel_AllocateNoMoreThanTheirBounds()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(directory => GatewayServer.Configuration(
            directory, origin.Address, """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """));
        var ports = await gateway.ListeningAsync();
        using var metrics = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports["Admin"]}") };

        var perRequest = await PerExchangeAsync(metrics, count => RequestAsync(Address(ports["Web"]), count));
        var perTunnel = await PerExchangeAsync(metrics, count => TunnelsAsync(Address(ports["Open"]), origin.Address.Authority, count));

        Assert.InRange(perRequest, 1, MostPerRequest);
        Assert.InRange(perTunnel, 1, MostPerTunnel);
    }

    private static LoadAddress Address(int port) => new(new Uri($"http://127.0.0.1:{port}/"), AcceptAnyCertificate: false);

    private async Task<double> PerExchangeAsync(HttpClient metrics, Func<int, Task> exchangeAsync)
    {
        await exchangeAsync(WarmUp);
        await AllocatedAsync(metrics);
        var first = await AllocatedAsync(metrics);
        var ofReading = await AllocatedAsync(metrics) - first;
        var before = await AllocatedAsync(metrics);
        await exchangeAsync(Measured);
        return (await AllocatedAsync(metrics) - before - ofReading) / Measured;
    }

    private static async Task RequestAsync(LoadAddress gateway, int count)
    {
        var request = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {gateway.Authority}\r\n\r\n");
        await using var connection = await LoadConnection.OpenAsync(gateway, TestContext.Current.CancellationToken);
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(200, (await connection.SendAsync(request, isConnect: false, TestContext.Current.CancellationToken)).Status);
        }
    }

    private static async Task TunnelsAsync(LoadAddress gateway, string target, int count)
    {
        var request = Encoding.ASCII.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        for (var i = 0; i < count; i++)
        {
            await using var connection = await LoadConnection.OpenAsync(gateway, TestContext.Current.CancellationToken);
            Assert.Equal(200, (await connection.SendAsync(request, isConnect: true, TestContext.Current.CancellationToken)).Status);
        }
    }

    private async Task<double> AllocatedAsync(HttpClient metrics)
    {
        // The exporter answers from what it collected a short while ago; what is asked for here is what holds now.
        var before = _lastText;
        await Poll.UntilAsync(async () => (_lastText = await metrics.GetStringAsync("/metrics", TestContext.Current.CancellationToken)) != before);
        var line = _lastText.Split('\n').Single(static line => line.StartsWith("dotnet_gc_heap_total_allocated_bytes_total", StringComparison.Ordinal));
        return double.Parse(line[(line.IndexOf('}', StringComparison.Ordinal) + 2)..].Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
