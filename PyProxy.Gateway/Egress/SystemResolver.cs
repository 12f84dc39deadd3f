using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using PyProxy.Gateway.Egress.Names;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// The operating system's resolver (getaddrinfo), so that hosts files, search domains and name service switches hold as for any other
/// program of the machine.
/// </summary>
#pragma warning disable CA1001 // Lookups may outlive the gateway's services and still give their slot back; without a wait handle there is nothing to dispose.
internal sealed class SystemResolver : INameLookup
#pragma warning restore CA1001
{
    // getaddrinfo cannot be cancelled: a lookup that a silent name server holds up keeps its thread for as long as resolv.conf says (10 s
    // and more). The bound keeps strangers from collecting such threads.
    private const int MaxConcurrentLookups = 256;

    private readonly SemaphoreSlim _slots = new(MaxConcurrentLookups);

    public async ValueTask<NameAnswer> LookupAsync(string name, CancellationToken cancellationToken)
    {
        // 2130706433, 0x7f.1 and their like: getaddrinfo and .NET take them for addresses. No lookup, and the answer is vetted like any other.
        if (IPAddress.TryParse(name, out var numeric))
        {
            return new NameAnswer([numeric], null);
        }

        await _slots.WaitAsync(cancellationToken);

        // A thread of its own: Dns.GetHostAddressesAsync would block one of the pool's, and on a small machine a few dozen names of a
        // silent name server would hold up every request of the gateway.
        var lookup = Task.Factory.StartNew(
            () => Lookup(name), CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        var (addresses, failure) = await lookup.WaitAsync(cancellationToken);
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return new NameAnswer(addresses, null);
    }

    // Returns its failure instead of throwing it: nobody may be waiting any more, and an unobserved exception would look like a bug.
    private (IPAddress[] Addresses, Exception? Failure) Lookup(string name)
    {
        try
        {
#pragma warning disable RS0030 // This is the place where names are resolved; whoever dials the answer vets it.
            return (Dns.GetHostAddresses(name), null);
#pragma warning restore RS0030
        }
        catch (ArgumentException)
        {
            return ([], new SocketException((int)SocketError.HostNotFound)); // too long, or nothing that could be looked up
        }
        catch (Exception e)
        {
            return ([], e);
        }
        finally
        {
            _slots.Release();
        }
    }
}
