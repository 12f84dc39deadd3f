using PyProxy.Gateway.Limits.Overload.Machine;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>
/// The machine of a gateway within the tests' process: work of hundreds of tests waits for the same threads, which says nothing about the gateway. Gateways
/// that are processes of their own watch theirs.
/// </summary>
internal sealed class SharedMachine(TimeProvider time) : IMachine
{
    private readonly LocalMachine _machine = new(time);

    public double Descriptors() => _machine.Descriptors();

    public double Memory() => _machine.Memory();

    public TimeSpan ThreadPoolDelay() => TimeSpan.Zero;

    public long AllocatedBytes() => 0;

    public long HeapBytes() => 0;

    public void GiveMemoryBack()
    {
        // All tests share one heap.
    }
}
