using System.ComponentModel;

namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>When the machine itself has too much to do: new requests get 503 before anything else is spent on them, until it has recovered.</summary>
internal sealed class MachineOptions
{
    [Description("Share of the process's file descriptors in use (Linux) from which new requests are refused, and kept connections closed. "
        + "0.1 to 1; 0 = not watched. Default: 0.9.")]
    public double Descriptors { get; init; } = 0.9;

    [Description("Share of the memory that the process may have (the container's or the machine's) from which new requests are refused. "
        + "0.1 to 1; 0 = not watched. Default: 0.9.")]
    public double Memory { get; init; } = 0.9;

    [Description("Whether memory that a burst has left behind is given back to the system when it has been quiet for a second: a full collection, which takes one "
        + "to two milliseconds for each MB of the heap; none where that is over 128 MB. Default: true.")]
    public bool ReturnMemory { get; init; } = true;

    [Description("How long work may wait for a thread, most of the time, before requests are let in only as fast as others end. One request waits "
        + "for a thread many times, so answers take ten to twenty times as long. "
        + "00:00:00.010 to 00:01:00; 00:00:00 = not watched. Default: 00:00:00.050.")]
    public TimeSpan ThreadPoolDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    [Description("How long a request may wait for its turn while work waits for threads, before it is refused with 503. "
        + "00:00:00.050 to 00:01:00. Default: 00:00:00.750.")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromMilliseconds(750);
}
