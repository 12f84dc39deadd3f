using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>What there is too little of.</summary>
internal enum Pressure
{
    None = 0,
    Threads,
    Descriptors,
    Memory,
}

/// <summary>
/// Watches the machine on a thread of its own: one of the pool's would not get its turn just when it has something to say. What has been under
/// pressure counts as recovered only well below the mark, so that it does not flicker.
/// </summary>
internal sealed partial class MachinePressure : IHostedService, IDisposable
{
    private const string HealthPart = "machine";

    // Short against the delay that it measures; descriptors and memory do not change that fast and cost more to ask for.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private const int SlowEvery = 25;

    // How much one sample counts: of whether work waits too long, the last 400 ms are looked at, since one stall, such as code that is compiled for the
    // first time, is no overload; of how long, the last 100 ms.
    private const double LateWeight = 0.05;
    private const double DelayWeight = 0.2;
    private const double MostlyLate = 0.5;

    private const double RecoveredShare = 0.95;

    // Where requests have to wait anyway, they had better do so in front of the work than in it: this share of the mark is aimed at.
    private const double KeptShare = 0.2;

    private readonly IMachine _machine;
    private readonly FairAdmission _admission;
    private readonly WorkLimit _limit = new();
    private readonly QuietCollection _quiet;
    private readonly IOptionsMonitor<LimitsOptions> _options;
    private readonly IHealthSignal _health;
    private readonly ILogger _logger;
    private readonly Counter<long> _refusals;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private volatile Pressure _current;
    private double _descriptors;
    private double _memory;
    private TimeSpan _delay;
    private int _sample;
    private double _lateShare;
    private TimeSpan _recentDelay;

    public MachinePressure(
        IMachine machine, FairAdmission admission, IOptionsMonitor<LimitsOptions> options, IHealthSignal health, IMeterFactory meters, ILogger<MachinePressure> logger)
    {
        _machine = machine;
        _quiet = new QuietCollection(machine);
        _admission = admission;
        _options = options;
        _health = health;
        _logger = logger;
        _thread = new Thread(Watch) { IsBackground = true, Name = "Machine pressure", Priority = ThreadPriority.AboveNormal };
        var meter = meters.Create("PyProxy.Gateway");
        _refusals = meter.CreateCounter<long>(
            "pyproxy.overload.refusals", "{request}", "Requests refused because of the machine, by reason (threads, descriptors, memory).");
        meter.CreateObservableGauge("pyproxy.overload.descriptors", () => Volatile.Read(ref _descriptors), "1", "Share of file descriptors in use.");
        meter.CreateObservableGauge("pyproxy.overload.memory", () => Volatile.Read(ref _memory), "1", "Share of memory in use.");
        meter.CreateObservableGauge("pyproxy.overload.thread_pool_delay", () => _delay.TotalSeconds, "s", "How long work waits for a thread.");
    }

    /// <summary>What there is too little of now.</summary>
    public Pressure Current => _current;

    /// <summary>Whether a new request can be taken under this pressure: where work waits for threads, it may wait for its turn.</summary>
    public bool HasRoom(Pressure pressure) => pressure == Pressure.Threads && !_admission.IsFull;

    public void CountRefusal(Pressure pressure)
    {
        if (_refusals.Enabled)
        {
            _refusals.Add(1, new KeyValuePair<string, object?>("reason", NameOf(pressure)));
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stop.Set();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _stop.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _stop.Dispose();
    }

    /// <summary>Looks once.</summary>
    internal void Sample()
    {
        var marks = _options.CurrentValue.Overload.Machine;
        _delay = marks.ThreadPoolDelay > TimeSpan.Zero ? _machine.ThreadPoolDelay() : TimeSpan.Zero;
        _recentDelay += (_delay - _recentDelay) * DelayWeight;
        _lateShare += ((_delay > marks.ThreadPoolDelay ? 1 : 0) - _lateShare) * LateWeight;
        if (_sample++ % SlowEvery == 0)
        {
            if (marks.ReturnMemory)
            {
                _quiet.Look();
            }

            Volatile.Write(ref _descriptors, marks.Descriptors > 0 ? _machine.Descriptors() : 0);
            Volatile.Write(ref _memory, marks.Memory > 0 ? _machine.Memory() : 0);
        }

        var pressure = Judge(marks);
        if (pressure == Pressure.Threads)
        {
            _admission.Throttle(_limit.Value, marks.QueueTimeout);
        }
        else
        {
            _admission.Release();
        }

        Become(pressure);
    }

    private static string NameOf(Pressure pressure) => pressure switch
    {
        Pressure.Threads => "threads",
        Pressure.Descriptors => "descriptors",
        _ => "memory",
    };

    private static string ConsequenceOf(Pressure pressure) => pressure == Pressure.Threads ? "wait for their turn" : "are refused";

    private void Watch()
    {
        try
        {
            while (!_stop.Wait(Interval))
            {
                Sample();
            }
        }
        catch (Exception e)
        {
            LogBlind(e);
            _admission.Release();
            Become(Pressure.None);
        }
    }

    private Pressure Judge(MachineOptions marks)
    {
        var was = _current;
        if (Exceeds(_descriptors, marks.Descriptors, was == Pressure.Descriptors))
        {
            return Pressure.Descriptors;
        }

        if (Exceeds(_memory, marks.Memory, was == Pressure.Memory))
        {
            return Pressure.Memory;
        }

        if (marks.ThreadPoolDelay == TimeSpan.Zero)
        {
            return Pressure.None;
        }

        if (was == Pressure.Threads)
        {
            return _limit.Adjust(_recentDelay, marks.ThreadPoolDelay * KeptShare, _admission.Admitted) ? Pressure.Threads : Pressure.None;
        }

        if (_lateShare <= MostlyLate)
        {
            return Pressure.None;
        }

        _limit.Lift();
        _limit.Adjust(_recentDelay, marks.ThreadPoolDelay * KeptShare, _admission.Admitted);
        return Pressure.Threads;
    }

    private static bool Exceeds(double share, double mark, bool already) => mark > 0 && share >= (already ? mark * RecoveredShare : mark);

    private void Become(Pressure pressure)
    {
        if (pressure == _current)
        {
            return;
        }

        // Readiness first: whoever is refused finds the reason there.
        if (pressure == Pressure.None)
        {
            _health.Restore(HealthPart);
            _current = pressure;
            LogRecovered();
        }
        else
        {
            _health.Degrade(HealthPart, $"The machine is short of {NameOf(pressure)}; new requests {ConsequenceOf(pressure)}.");
            _current = pressure;
            LogPressure(NameOf(pressure), ConsequenceOf(pressure), _descriptors, _memory, _delay.TotalMilliseconds);
        }
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Short of {What}: new requests {Consequence} (descriptors {Descriptors:P0}, memory {Memory:P0}, work waits {Delay:F0} ms for a thread).")]
    private partial void LogPressure(string what, string consequence, double descriptors, double memory, double delay);

    [LoggerMessage(2, LogLevel.Information, "The machine has recovered; new requests are taken.")]
    private partial void LogRecovered();

    [LoggerMessage(3, LogLevel.Error, "The machine cannot be watched any more; it is taken to be well.")]
    private partial void LogBlind(Exception exception);
}
