using PyProxy.Gateway.Limits.Overload.Machine;

namespace PyProxy.Gateway.Tests.Limits.Overload;

public sealed class QuietCollectionTests
{
    private readonly Heap _machine = new();
    private readonly QuietCollection _collection;

    public QuietCollectionTests() => _collection = new QuietCollection(_machine);

    [Fact]
    public void Burst_IsCollectedOnce_WhenItHasBeenQuiet()
    {
        LookBehind(QuietCollection.Worth);
        Assert.Equal(0, _machine.Collections);
        LookBehind(0);
        Assert.Equal(0, _machine.Collections);
        LookBehind(0);
        Assert.Equal(1, _machine.Collections);
        LookBehind(0);
        LookBehind(0);
        Assert.Equal(1, _machine.Collections);
    }

    [Fact]
    public void BusyGateway_IsLeftAlone()
    {
        for (var i = 0; i < 1000; i++)
        {
            LookBehind(QuietCollection.Quiet);
        }

        Assert.Equal(0, _machine.Collections);
    }

    [Fact]
    public void LargeHeap_IsLeftAlone()
    {
        _machine.Size = QuietCollection.MostHeap + 1;
        LookBehind(QuietCollection.Worth);
        for (var i = 0; i < 10; i++)
        {
            LookBehind(0);
        }

        Assert.Equal(0, _machine.Collections);
    }

    private void LookBehind(long allocated)
    {
        _machine.Allocated += allocated;
        _collection.Look();
    }

    private sealed class Heap : IMachine
    {
        public long Allocated { get; set; }

        public long Size { get; set; }

        public int Collections { get; private set; }

        public double Descriptors() => 0;

        public double Memory() => 0;

        public TimeSpan ThreadPoolDelay() => TimeSpan.Zero;

        public long AllocatedBytes() => Allocated;

        public long HeapBytes() => Size;

        public void GiveMemoryBack() => Collections++;
    }
}
