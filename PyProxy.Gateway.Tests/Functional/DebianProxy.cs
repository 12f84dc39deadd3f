using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A forward proxy of Debian's, on a port of its own: squid and tinyproxy (HTTP), microsocks (SOCKS5).</summary>
internal sealed class DebianProxy : IAsyncDisposable
{
    public const string User = "gateway";
    public const string Password = "wonderland";

    // Ports are taken from those that anybody's connection may take, too.
    private const int Attempts = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly TemporaryDirectory _directory;

    private DebianProxy(Process process, TemporaryDirectory directory, string address)
    {
        (_process, _directory) = (process, directory);
        Address = address;
    }

    /// <summary>As <c>Upstreams:Proxies:x:Address</c> takes it.</summary>
    public string Address { get; }

    /// <summary>Asks for no credentials.</summary>
    public static Task<DebianProxy> StartSquidAsync() => StartAsync("squid", "http", (directory, port) =>
    {
        // Squid gives up root where it has it, and then has to be able to write here.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_111);
        }

        return $"-N -f {Write(directory, $"""
            http_port 127.0.0.1:{port}
            http_access allow all
            cache deny all
            pid_filename none
            access_log none
            cache_log {directory}/cache.log
            coredump_dir {directory}
            pinger_enable off
            shutdown_lifetime 0 seconds
            visible_hostname squid.test
            """)} -n test{port}";
    });

    /// <summary>Asks for <see cref="User"/> and <see cref="Password"/>.</summary>
    public static Task<DebianProxy> StartTinyproxyAsync() => StartAsync("tinyproxy", "http", (directory, port) => $"-d -c {Write(directory, $"""
        Port {port}
        Listen 127.0.0.1
        Timeout 60
        MaxClients 100
        BasicAuth {User} {Password}
        """)}");

    /// <summary>Asks for <see cref="User"/> and <see cref="Password"/>.</summary>
    public static Task<DebianProxy> StartMicrosocksAsync()
        => StartAsync("microsocks", "socks5", (_, port) => $"-i 127.0.0.1 -p {port} -u {User} -P {Password}");

    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
        _directory.Dispose();
    }

    private static string Write(string directory, string configuration)
    {
        var path = Path.Combine(directory, "proxy.conf");
        File.WriteAllText(path, configuration);
        return path;
    }

    private static async Task<DebianProxy> StartAsync(string program, string scheme, Func<string, string, string> arguments)
    {
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            var directory = new TemporaryDirectory(program);
            var process = Launch(program, arguments(directory.Path, port.ToString(CultureInfo.InvariantCulture)));
            if (await ListensAsync(process, port))
            {
                return new DebianProxy(process, directory, string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}"));
            }

            process.Dispose();
            directory.Dispose();
            Assert.True(attempt < Attempts, $"{program} does not start.");
        }
    }

    private static Process Launch(string program, string arguments)
    {
        // Debian keeps squid out of the path of users.
        var path = File.Exists($"/usr/sbin/{program}") ? $"/usr/sbin/{program}" : program;
        var start = new ProcessStartInfo(path, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            var process = Process.Start(start)!;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return process;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not on this machine: install the package {program}.");
            throw;
        }
    }

    /// <returns>False where it ended instead: its port was taken.</returns>
    private static async Task<bool> ListensAsync(Process process, int port)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (!process.HasExited)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port, deadline.Token);
                return true;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), deadline.Token);
            }
        }

        return false;
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
