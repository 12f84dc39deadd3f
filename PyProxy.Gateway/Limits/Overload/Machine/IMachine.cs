namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>What is left of the machine, as the operating system and the runtime say it.</summary>
internal interface IMachine
{
    /// <summary>Share of file descriptors in use; 0 where it is not known.</summary>
    double Descriptors();

    /// <summary>Share of memory in use.</summary>
    double Memory();

    /// <summary>How long work waits for a thread. Asked often: each question sends the probe whose answer a later one gets.</summary>
    TimeSpan ThreadPoolDelay();

    /// <summary>What the process has allocated since its start.</summary>
    long AllocatedBytes();

    /// <summary>The heap as it is now, garbage included.</summary>
    long HeapBytes();

    /// <summary>Collects everything, and gives what is free back to the system.</summary>
    void GiveMemoryBack();
}
