namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>
/// Gives back what a burst has left behind, once it is quiet. The collector itself keeps room for the next burst, and what many new tunnels needed
/// only while they were opened stays resident for as long as nothing else is allocated (docs/concurrency.md).
/// </summary>
internal sealed class QuietCollection(IMachine machine)
{
    /// <summary>Allocated since the last one, so that there is something to give back.</summary>
    internal const long Worth = 32 * 1024 * 1024;

    /// <summary>Allocated between two looks: as good as nothing.</summary>
    internal const long Quiet = 128 * 1024;

    /// <summary>Largest heap: a collection stops everything for one to two milliseconds for each MB of it.</summary>
    internal const long MostHeap = 128 * 1024 * 1024;

    private const int QuietLooks = 2;

    private long _allocated;
    private long _atCollection;
    private int _quiet;

    /// <summary>Looks once; to be called about twice a second.</summary>
    public void Look()
    {
        var allocated = machine.AllocatedBytes();
        _quiet = allocated - _allocated < Quiet ? _quiet + 1 : 0;
        _allocated = allocated;
        if (_quiet < QuietLooks || allocated - _atCollection < Worth)
        {
            return;
        }

        _atCollection = allocated;
        if (machine.HeapBytes() <= MostHeap)
        {
            machine.GiveMemoryBack();
        }
    }
}
