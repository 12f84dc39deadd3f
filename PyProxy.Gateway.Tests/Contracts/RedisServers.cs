using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Garnet;

namespace PyProxy.Gateway.Tests.Contracts;

/// <summary>A server that speaks Redis' protocol, on a port of its own.</summary>
internal abstract class RedisServerUnderTest : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Ports are taken from those that anybody's connection may take, too.</summary>
    protected const int Attempts = 10;

    public required int Port { get; init; }

    /// <summary>As <c>Gateway:SharedState:Redis</c> takes it.</summary>
    public string Endpoint => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    public static async Task<RedisServerUnderTest> StartAsync(string engine)
        => engine == GarnetInProcess.Name ? GarnetInProcess.Start() : await DebianRedis.StartAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>A port that was free a moment ago: neither server says which one it chose for itself.</summary>
    protected static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}

/// <summary>Microsoft's Garnet in the test's own process, so that tests need no server.</summary>
internal sealed class GarnetInProcess : RedisServerUnderTest
{
    public const string Name = "garnet";

    private readonly GarnetServer _server;

    private GarnetInProcess(GarnetServer server) => _server = server;

    /// <remarks>Garnet runs a script as one step only in its transaction mode; Redis has no other.</remarks>
    public static GarnetInProcess Start()
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            var server = new GarnetServer(
                ["--bind", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--memory", "64m", "--index", "1m", "--page", "1m",
                    "--lua", "true", "--lua-transaction-mode", "true", "--no-obj", "false", "-q"]);
            try
            {
                server.Start();
                return new GarnetInProcess(server) { Port = port };
            }
            catch (SocketException) when (attempt < Attempts)
            {
                server.Dispose(); // somebody else took the port meanwhile
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        _server.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Debian's redis-server as a process that can be stopped, frozen and started again.</summary>
internal sealed class DebianRedis : RedisServerUnderTest
{
    public const string Name = "redis-server";

    private readonly string[] _more;
    private Process _process;

    private DebianRedis(Process process, string[] more) => (_process, _more) = (process, more);

    public static async Task<DebianRedis> StartAsync(params string[] more)
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            if (await LaunchAsync(port, more) is { } process)
            {
                return new DebianRedis(process, more) { Port = port };
            }

            Assert.True(attempt < Attempts, "redis-server does not start.");
        }
    }

    /// <summary>Starts again, empty, where it was before.</summary>
    public async Task RestartAsync()
    {
        _process.Dispose();
        Process? process;
        for (var attempt = 1; (process = await LaunchAsync(Port, _more)) is null; attempt++)
        {
            Assert.True(attempt < Attempts, "redis-server does not start again.");
        }

        _process = process;
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>STOP freezes it, connections stay open; CONT lets it go on.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -s {signal} {_process.Id}")]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    /// <returns>Null where the port was taken.</returns>
    private static async Task<Process?> LaunchAsync(int port, string[] more)
    {
        var start = new ProcessStartInfo(
            Name, ["--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", .. more])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true, // its own pipe: the runner's would stay open for as long as it lives
            WorkingDirectory = Path.GetTempPath(),
        };
        try
        {
            var process = Process.Start(start)!;
            while (await process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
            {
                if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
                {
                    process.BeginErrorReadLine();
                    return process;
                }
            }

            process.Dispose();
            return null;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{Name} is not on this machine: install the package redis-server.");
            throw;
        }
    }
}
