using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Admin;

/// <summary>
/// Ties the host to the process's signals. The first SIGTERM, SIGINT or SIGQUIT begins an orderly end (exit code 0), the second ends the
/// process at once with the shell's code for that signal (128 + its number), as whoever sends it twice expects.
/// </summary>
internal sealed partial class SignalLifetime(
    IHostApplicationLifetime application,
    Readiness readiness,
    DrainSignal drain,
    IOptions<ShutdownOptions> options,
    TimeProvider time,
    ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;
    private ITimer? _delay;

    /// <summary>Ends the process; a test puts its own in place.</summary>
    public Action<int> Exit { get; init; } = Environment.Exit;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true; // the runtime's own answer would end the process before anything is drained
                OnSignal(context.Signal);
            }));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void OnSignal(PosixSignal signal)
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            LogSecondSignal(signal);
            Exit(ExitCodeOf(signal));
            return;
        }

        var delay = options.Value.Delay;
        readiness.TurnOff("shutting down");
        drain.BeginDraining();
        LogDraining(signal, delay); // once it is true: whoever waits for the line looks next
        if (delay > TimeSpan.Zero)
        {
            _delay = time.CreateTimer(_ => application.StopApplication(), null, delay, Timeout.InfiniteTimeSpan);
        }
        else
        {
            application.StopApplication();
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _delay?.Dispose();
    }

    private static int ExitCodeOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGINT => 130,
        PosixSignal.SIGQUIT => 131,
        _ => 143,
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "{Signal}: shutting down; listeners stop accepting in {Delay}.")]
    private partial void LogDraining(PosixSignal signal, TimeSpan delay);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Signal} again: the process ends at once.")]
    private partial void LogSecondSignal(PosixSignal signal);
}
