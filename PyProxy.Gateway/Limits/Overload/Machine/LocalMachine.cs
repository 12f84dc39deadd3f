using System.Globalization;

namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>This process on Linux. Elsewhere descriptors are not known.</summary>
internal sealed class LocalMachine(TimeProvider time) : IMachine, IThreadPoolWorkItem
{
    private readonly long _descriptorLimit = ReadDescriptorLimit();
    private long _queuedAt;
    private long _lastDelay;
    private bool _isQueued;

    public double Descriptors()
    {
        if (_descriptorLimit == 0)
        {
            return 0;
        }

        long count = OpenDescriptors.Ask();
        if (count == 0)
        {
            // Counting costs a little for each, and is spared while the kernel's table, which only grows, is small against the limit.
            count = ReadTableSize();
            count = count < _descriptorLimit / 2 ? count : OpenDescriptors.Count();
        }

        return (double)count / _descriptorLimit;
    }

    public double Memory()
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return available > 0 ? (double)Environment.WorkingSet / available : 0;
    }

    public TimeSpan ThreadPoolDelay()
    {
        if (Volatile.Read(ref _isQueued))
        {
            return time.GetElapsedTime(_queuedAt);
        }

        var delay = new TimeSpan(Volatile.Read(ref _lastDelay));
        _queuedAt = time.GetTimestamp();
        Volatile.Write(ref _isQueued, true);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return delay;
    }

    public long AllocatedBytes() => GC.GetTotalAllocatedBytes(precise: false);

    public long HeapBytes() => GC.GetTotalMemory(forceFullCollection: false);

    public void GiveMemoryBack() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    void IThreadPoolWorkItem.Execute()
    {
        Volatile.Write(ref _lastDelay, time.GetElapsedTime(_queuedAt).Ticks);
        Volatile.Write(ref _isQueued, false);
    }

    private static long ReadTableSize() => ReadNumber("/proc/self/status", "FDSize:");

    private static long ReadDescriptorLimit() => OperatingSystem.IsLinux() ? ReadNumber("/proc/self/limits", "Max open files") : 0;

    // The first number behind the words; "unlimited" is none.
    private static long ReadNumber(string file, string words)
    {
        foreach (var line in File.ReadLines(file))
        {
            if (line.StartsWith(words, StringComparison.Ordinal))
            {
                var rest = line.AsSpan(words.Length).Trim();
                var end = rest.IndexOf(' ');
                return long.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            }
        }

        return 0;
    }
}
