using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Garnet;
using StackExchange.Redis;

namespace PyProxy.Gateway.Tests.Contracts;

/// <summary>A server that speaks Redis' protocol, on a port of its own.</summary>
internal abstract class RedisServerUnderTest : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

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

    public static GarnetInProcess Start()
    {
        var port = FreePort();
        var server = new GarnetServer(
            ["--bind", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--memory", "64m", "--index", "1m", "--page", "1m",
                "--lua", "true", "--no-obj", "false", "-q"]);
        server.Start();
        return new GarnetInProcess(server) { Port = port };
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

    private Process _process;

    private DebianRedis(Process process) => _process = process;

    public static async Task<DebianRedis> StartAsync()
    {
        var port = FreePort();
        var server = new DebianRedis(Launch(port)) { Port = port };
        await server.AnswersAsync();
        return server;
    }

    /// <summary>Starts again, empty, where it was before.</summary>
    public async Task RestartAsync()
    {
        _process.Dispose();
        _process = Launch(Port);
        await AnswersAsync();
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

    private static Process Launch(int port)
    {
        var start = new ProcessStartInfo(
            Name, ["--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        try
        {
            var process = Process.Start(start)!;
            process.BeginOutputReadLine();
            return process;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{Name} is not on this machine: install the package redis-server.");
            throw;
        }
    }

    private async Task AnswersAsync()
    {
        var connecting = new ConfigurationOptions { EndPoints = { { "127.0.0.1", Port } }, ConnectRetry = 100, ConnectTimeout = 300 };
        await using var connection = await ConnectionMultiplexer.ConnectAsync(connecting).WaitAsync(Patience);
    }
}
