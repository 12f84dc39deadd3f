using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>The gateway as an operator starts it: a process of its own with a command line, signals and an exit code.</summary>
internal sealed partial class GatewayProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory;
    private readonly Process _process;
    private readonly Channel<string> _errors = Channel.CreateUnbounded<string>();
    private readonly List<string> _errorLines = [];
    private readonly Task<string> _output;
    private readonly Task _readingErrors;

    private GatewayProcess(TemporaryDirectory directory, Process process)
    {
        _directory = directory;
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _readingErrors = ReadErrorsAsync();
    }

    public int Id => _process.Id;

    /// <summary>Where its configuration is.</summary>
    public string Folder => _directory.Path;

    /// <summary>Lines of standard error that were waited for, and those before them; after <see cref="ExitAsync"/> all.</summary>
    public IReadOnlyList<string> ErrorLines => _errorLines;

    /// <summary>Starts it in a directory of its own.</summary>
    /// <param name="configuration">Text of its <c>appsettings.json</c>, given the directory.</param>
    /// <param name="arguments">The command line.</param>
    public static Task<GatewayProcess> StartAsync(Func<string, string>? configuration, params string[] arguments)
        => StartAsync(configuration, startElsewhere: false, environment: [], arguments);

    /// <summary>Starts it with more in its environment.</summary>
    public static Task<GatewayProcess> StartAsync(Func<string, string> configuration, Dictionary<string, string> environment)
        => StartAsync(configuration, startElsewhere: false, environment);

    /// <summary>Starts it in another directory than that of its configuration, which it is told by <c>--config</c>.</summary>
    public static Task<GatewayProcess> StartElsewhereAsync(Func<string, string> configuration)
        => StartAsync(configuration, startElsewhere: true, environment: []);

    private static async Task<GatewayProcess> StartAsync(
        Func<string, string>? configuration, bool startElsewhere, Dictionary<string, string> environment, params string[] arguments)
    {
        var directory = new TemporaryDirectory("process");
        if (configuration is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(directory.Path, "appsettings.json"), configuration(directory.Path));
        }

        // Where the tests themselves run in the background of a script, SIGINT is ignored, and that would be inherited.
        var start = new ProcessStartInfo("env", ["--default-signal", "dotnet"])
        {
            UseShellExecute = false,
            WorkingDirectory = startElsewhere ? "/" : directory.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "PyProxy.Gateway.dll"));
        foreach (var argument in startElsewhere ? [.. arguments, "--config", Path.Combine(directory.Path, "appsettings.json")] : arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new GatewayProcess(directory, Process.Start(start)!);
    }

    /// <summary>Waits for the start-up lines.</summary>
    /// <returns>Port by name of endpoint.</returns>
    public async Task<IReadOnlyDictionary<string, int>> ListeningAsync(int endpoints = 6)
    {
        var ports = new Dictionary<string, int>(StringComparer.Ordinal);
        while (ports.Count < endpoints)
        {
            var match = Announcement.Match(await LineAsync("http://127.0.0.1:"));
            ports.Add(match.Groups["endpoint"].Value, int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture));
        }

        return ports;
    }

    /// <summary>The next line of standard error that contains the text.</summary>
    public async Task<string> LineAsync(string text)
    {
        try
        {
            while (true)
            {
                var line = await _errors.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
                _errorLines.Add(line);
                if (line.Contains(text, StringComparison.Ordinal))
                {
                    return line;
                }
            }
        }
        catch (Exception e) when (e is ChannelClosedException or TimeoutException)
        {
            throw new InvalidOperationException($"'{text}' was not said, but: {string.Join('\n', _errorLines)}", e);
        }
    }

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -s {signal} {_process.Id}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, kill.ExitCode);
    }

    /// <returns>Exit code and standard output.</returns>
    public async Task<(int Code, string Output)> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        await _readingErrors;
        while (_errors.Reader.TryRead(out var line))
        {
            _errorLines.Add(line);
        }

        return (_process.ExitCode, await _output);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        await _readingErrors;
        _process.Dispose();
        _directory.Dispose();
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _errors.Writer.TryWrite(line);
        }

        _errors.Writer.Complete();
    }

    [GeneratedRegex(@"(?<endpoint>\w+) +http://127\.0\.0\.1:(?<port>\d+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Announcement { get; }
}
