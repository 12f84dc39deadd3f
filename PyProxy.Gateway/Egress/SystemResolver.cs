using System.Net;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// The operating system's resolver (getaddrinfo), so that hosts files, search domains and name service switches hold as for any other
/// program of the machine.
/// </summary>
internal sealed class SystemResolver : IResolver, IDisposable
{
    // getaddrinfo cannot be cancelled: a lookup that a silent name server holds up keeps its thread for as long as resolv.conf says (10 s
    // and more). The bound keeps strangers from collecting such threads.
    private const int MaxConcurrentLookups = 256;

    private readonly SemaphoreSlim _slots = new(MaxConcurrentLookups);

    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);

        // A thread of its own: Dns.GetHostAddressesAsync would block one of the pool's, and on a small machine a few dozen names of a
        // silent name server would hold up every request of the gateway.
        var lookup = Task.Factory.StartNew(
            () => Lookup(name), CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        return await lookup.WaitAsync(cancellationToken);
    }

    public void Dispose() => _slots.Dispose();

    private IPAddress[] Lookup(string name)
    {
        try
        {
#pragma warning disable RS0030 // This is the place where names are resolved; whoever dials the answer vets it.
            return Dns.GetHostAddresses(name);
#pragma warning restore RS0030
        }
        finally
        {
            _slots.Release();
        }
    }
}
