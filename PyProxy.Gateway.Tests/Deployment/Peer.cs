using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>A server of Debian's that a test runs beside the gateway; where it is missing the test is skipped, and says what to install.</summary>
internal sealed class Peer : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Ports are taken from those that anybody's connection may take, too.</summary>
    private const int Attempts = 10;

    private readonly Process _process;
    private readonly Task<string> _errors;

    private Peer(Process process, int[] ports)
    {
        _process = process;
        Ports = ports;
        _ = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int[] Ports { get; }

    /// <summary>Starts it on ports that were free a moment ago, and anew on others where it ended at once.</summary>
    /// <param name="package">Debian's package that has the program.</param>
    /// <param name="ports">How many it needs.</param>
    /// <param name="command">How it is started on them.</param>
    /// <param name="answers">Whether it is there, asked until it is.</param>
    public static async Task<Peer> StartAsync(string package, int ports, Func<int[], ProcessStartInfo> command, Func<Peer, Task<bool>> answers)
    {
        for (var attempt = 1; ; attempt++)
        {
            var peer = Start(package, FreePorts(ports), command);
            var started = TimeProvider.System.GetTimestamp();
            while (!peer._process.HasExited)
            {
                if (await answers(peer))
                {
                    return peer;
                }

                Assert.True(TimeProvider.System.GetElapsedTime(started) < Patience, $"{package} does not answer.");
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            var errors = await peer._errors;
            await peer.DisposeAsync();
            Assert.True(attempt < Attempts, $"{package} does not start: {errors}");
        }
    }

    /// <summary>An address on this machine.</summary>
    public Uri Url(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports[port]}/"));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static Peer Start(string package, int[] ports, Func<int[], ProcessStartInfo> command)
    {
        var start = command(ports);
        start.UseShellExecute = false;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        try
        {
            return new Peer(Process.Start(start)!, ports);
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{start.FileName} is not on this machine: install the package {package}.");
            throw;
        }
    }

    private static int[] FreePorts(int count)
    {
        var probes = Enumerable.Range(0, count).Select(_ =>
        {
            var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return probe;
        }).ToList();
        int[] ports = [.. probes.Select(probe => ((IPEndPoint)probe.LocalEndPoint!).Port)];
        probes.ForEach(static probe => probe.Dispose());
        return ports;
    }
}
