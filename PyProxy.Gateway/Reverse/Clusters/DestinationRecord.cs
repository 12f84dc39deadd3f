using PyProxy.Gateway.Resilience;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>What a pipeline knows of one destination.</summary>
internal sealed class DestinationRecord(DestinationBreaker? breaker)
{
    private readonly Lock _lock = new();
    private int _tries;
    private int _failures;
    private TimeSpan _answering;

    public DestinationBreaker? Breaker { get; } = breaker;

    /// <summary>Timestamp of its return to the cluster, for slow start; 0 = it has always been there.</summary>
    public long ReturnedAt { get; set; }

    /// <summary>How often in a row it was ejected.</summary>
    public int Ejections { get; set; }

    /// <summary>
    /// Whether its breaker would reject a request. A destination that is out and was chosen nevertheless (a policy that prefers anybody to nobody)
    /// is to be asked: then the breaker has no say.
    /// </summary>
    public bool MustNotBeAsked(DestinationState destination)
        => Breaker is { IsOpen: true } && destination.Health.Passive != DestinationHealth.Unhealthy;

    public void Add(bool isFailure, TimeSpan duration)
    {
        lock (_lock)
        {
            _tries++;
            if (isFailure)
            {
                _failures++;
            }
            else
            {
                _answering += duration;
            }
        }
    }

    /// <summary>What was counted since the last time.</summary>
    public Window Take()
    {
        lock (_lock)
        {
            var answers = _tries - _failures;
            var window = new Window(_tries, _failures, answers > 0 ? _answering / answers : null);
            (_tries, _failures, _answering) = (0, 0, TimeSpan.Zero);
            return window;
        }
    }

    /// <param name="Tries">All of them.</param>
    /// <param name="Failures">By the destination's fault.</param>
    /// <param name="Latency">Mean time to an answer's head.</param>
    internal readonly record struct Window(int Tries, int Failures, TimeSpan? Latency);
}
