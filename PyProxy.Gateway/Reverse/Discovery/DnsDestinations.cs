using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Egress;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace PyProxy.Gateway.Reverse.Discovery;

/// <summary>
/// Makes of one destination with a name as many as the name has addresses, and follows the name. YARP rebuilds its clusters only when an answer
/// has changed; destinations that stay keep their state, and requests under way to one that goes are served to their end.
/// </summary>
internal sealed partial class DnsDestinations(
    IResolver resolver, IEnumerable<IProxyConfigProvider> configured, IOptionsMonitor<DiscoveryOptions> options, TimeProvider time, ILogger<DnsDestinations> logger)
    : BackgroundService, IDestinationResolver
{
    /// <summary>Key in a destination's <c>Metadata</c>.</summary>
    public const string MetadataKey = "Discovery";

    public const string Dns = "Dns";

    private readonly ConcurrentDictionary<string, IPAddress[]> _known = new(StringComparer.OrdinalIgnoreCase);
    private CancellationTokenSource _changed = new();

    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        if (!destinations.Values.Any(IsDiscovered))
        {
            return new ResolvedDestinationCollection(destinations, changeToken: null);
        }

        // Before the answers: what changes while they are read is told by this one.
        var changed = new CancellationChangeToken(Volatile.Read(ref _changed).Token);
        var resolved = new Dictionary<string, DestinationConfig>(StringComparer.OrdinalIgnoreCase);
        foreach (var (id, destination) in destinations)
        {
            var addresses = IsDiscovered(destination) ? await AddressesAsync(NameOf(destination), cancellationToken) : [];
            if (addresses.Length == 0)
            {
                resolved[id] = destination; // as it is written: whoever dials it resolves it, and says what is wrong
            }

            foreach (var address in addresses)
            {
                resolved[$"{id}[{address}]"] = At(destination, address);
            }
        }

        return new ResolvedDestinationCollection(resolved, changed);
    }

    public override void Dispose()
    {
        _changed.Dispose();
        base.Dispose();
    }

    /// <summary>Names that are followed.</summary>
    internal IEnumerable<string> Names => _known.Keys;

    /// <summary>Resolves all names anew, and forgets those that the configuration no longer has.</summary>
    internal async Task RefreshAsync(CancellationToken cancellationToken)
    {
        // The configuration says which, so a name that a reload brings back is followed again whatever was forgotten in the same moment.
        var names = CurrentNames();
        foreach (var gone in _known.Keys.Where(name => !names.Contains(name)))
        {
            _known.TryRemove(gone, out _);
        }

        var anyChanged = false;
        foreach (var name in names)
        {
            var before = _known.GetValueOrDefault(name, []);
            if (await ResolveAsync(name, cancellationToken) is { } now && !now.AsSpan().SequenceEqual(before))
            {
                _known[name] = now;
                anyChanged = true;
                LogChanged(name, before.Length, now.Length);
            }
        }

        if (anyChanged)
        {
            using var changed = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
            await changed.CancelAsync();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.CurrentValue.Refresh, time, stoppingToken);
            await RefreshAsync(stoppingToken);
        }
    }

    private static bool IsDiscovered(DestinationConfig destination)
        => string.Equals(destination.Metadata?.GetValueOrDefault(MetadataKey), Dns, StringComparison.OrdinalIgnoreCase)
            && new Uri(destination.Address).HostNameType == UriHostNameType.Dns;

    private HashSet<string> CurrentNames()
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var cluster in configured.SelectMany(static provider => provider.GetConfig().Clusters))
        {
            names.UnionWith((cluster.Destinations ?? FrozenDictionary<string, DestinationConfig>.Empty).Values.Where(IsDiscovered).Select(NameOf));
        }

        return names;
    }

    private static string NameOf(DestinationConfig destination) => new Uri(destination.Address).IdnHost;

    // The name stays what the destination is asked for, in Host and in TLS.
    private static DestinationConfig At(DestinationConfig destination, IPAddress address) => destination with
    {
        Address = At(destination.Address, address)!,
        Health = At(destination.Health, address),
        Host = string.IsNullOrEmpty(destination.Host) ? new Uri(destination.Address).Authority : destination.Host,
    };

    private static string? At(string? url, IPAddress address)
        => string.IsNullOrEmpty(url) ? url : new UriBuilder(url) { Host = address.ToString() }.Uri.AbsoluteUri;

    private async ValueTask<IPAddress[]> AddressesAsync(string name, CancellationToken cancellationToken)
    {
        if (!_known.TryGetValue(name, out var addresses))
        {
            addresses = await ResolveAsync(name, cancellationToken) ?? [];
            addresses = _known.GetOrAdd(name, addresses);
        }

        return addresses;
    }

    /// <returns>The name's addresses in order, or <see langword="null"/> where there is no answer: what was known then holds on.</returns>
    private async ValueTask<IPAddress[]?> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await resolver.ResolveAsync(name, cancellationToken);
            return [.. addresses.Distinct().OrderBy(static address => address.ToString(), StringComparer.Ordinal)];
        }
        catch (SocketException e)
        {
            LogNotResolved(name, e.SocketErrorCode);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The destination \"{Name}\" had {Before} addresses and has {Now}, or others, now.")]
    private partial void LogChanged(string name, int before, int now);

    [LoggerMessage(2, LogLevel.Warning, "The destination \"{Name}\" could not be resolved ({Error}); what was known of it holds on.")]
    private partial void LogNotResolved(string name, SocketError error);
}
