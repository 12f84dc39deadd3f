using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using PyProxy.Gateway.Egress.Profiles;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>The upstream proxies of one profile, and whose turn it is.</summary>
internal sealed class UpstreamPool
{
    // The golden ratio's fraction: multiples of it are spread evenly over [0, 1), so weights come out without runs of the same proxy.
    private const double Golden = 0.6180339887498949;

    private readonly UpstreamProxy[] _proxies;
    private readonly X509Certificate2Collection? _authorities;
    private long _turn = -1;

    /// <param name="profile">The profile's name.</param>
    /// <param name="options">Validated.</param>
    /// <param name="time">The clock.</param>
    /// <param name="previous">The pool of that profile before a reload: what is known of a proxy that is still the same goes on.</param>
    public UpstreamPool(string profile, UpstreamPoolOptions options, TimeProvider time, UpstreamPool? previous = null)
    {
        Profile = profile;
        Options = options;
        _proxies = [.. options.Proxies.OrderBy(static p => p.Key, StringComparer.Ordinal)
            .Select(p => new UpstreamProxy(p.Key, p.Value, previous?.HealthOf(p.Key, p.Value) ?? new UpstreamHealth(time)))];
        if (options.HealthCheck.Interval == TimeSpan.Zero)
        {
            foreach (var proxy in _proxies)
            {
                proxy.Health.ForgetChecks();
            }
        }

        _authorities = options.AuthoritiesFile is { } file ? ServerTrust.Load(file) : null;
    }

    public string Profile { get; }

    public UpstreamPoolOptions Options { get; }

    public IReadOnlyList<UpstreamProxy> Proxies => _proxies;

    /// <summary>Of an upstream proxy that is in; where none is, zero means that nobody knows when one will be.</summary>
    public TimeSpan UntilOneIsBack => _proxies.Select(static p => p.Health.Remaining).Where(static left => left > TimeSpan.Zero).DefaultIfEmpty().Min();

    /// <summary>The proxy for one exchange, and with it takes a turn; <see langword="null"/> where there is none to be tried (any more).</summary>
    /// <param name="user">Who asks.</param>
    /// <param name="host">The destination's host.</param>
    /// <param name="tried">Those that failed this exchange already.</param>
    public UpstreamProxy? Choose(string user, string host, ReadOnlySpan<UpstreamProxy?> tried)
        => Choose(user, host, tried, (ulong)Interlocked.Increment(ref _turn));

    /// <summary>What <see cref="Choose(string, string, ReadOnlySpan{UpstreamProxy})"/> would say now; nothing changes.</summary>
    public UpstreamProxy? Peek(string user, string host) => Choose(user, host, [], (ulong)(Interlocked.Read(ref _turn) + 1));

    /// <summary>What the TLS handshake with one of its https proxies is held to.</summary>
    public SslClientAuthenticationOptions TlsTo(UpstreamProxy proxy)
        => new() { TargetHost = proxy.Address.Host, CertificateChainPolicy = ServerTrust.Policy(_authorities) };

    private static bool IsTried(UpstreamProxy proxy, ReadOnlySpan<UpstreamProxy?> tried)
    {
        foreach (var other in tried)
        {
            if (ReferenceEquals(other, proxy))
            {
                return true;
            }
        }

        return false;
    }

    private UpstreamHealth? HealthOf(string name, UpstreamProxyOptions options)
    {
        var same = Array.Find(_proxies, p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return same is not null && same.Options.Address == options.Address && same.Options.User == options.User && same.Options.Password == options.Password
            ? same.Health
            : null;
    }

    private UpstreamProxy? Choose(string user, string host, ReadOnlySpan<UpstreamProxy?> tried, ulong turn)
    {
        var chosen = ChooseAmong(user, host, tried, turn, evenIfOut: false);
        return chosen is null && Options.WhenAllOut == WhenAllOut.Try ? ChooseAmong(user, host, tried, turn, evenIfOut: true) : chosen;
    }

    // Two passes where a count is needed: a proxy may go out between them, then the last one that was seen stands in.
    private UpstreamProxy? ChooseAmong(string user, string host, ReadOnlySpan<UpstreamProxy?> tried, ulong turn, bool evenIfOut) => Options.Selection switch
    {
        UpstreamSelection.RoundRobin => ByShare(tried, turn, evenIfOut, weighted: false),
        UpstreamSelection.Weighted => ByShare(tried, turn, evenIfOut, weighted: true),
        UpstreamSelection.LeastConnections => LeastUsed(tried, turn, evenIfOut),
        UpstreamSelection.StickyPerUser => Sticky(StableHash.Of(user), tried, evenIfOut),
        UpstreamSelection.StickyPerTarget => Sticky(StableHash.Of(host), tried, evenIfOut),
        _ => Sticky(StableHash.Of(user, host), tried, evenIfOut),
    };

    private UpstreamProxy? ByShare(ReadOnlySpan<UpstreamProxy?> tried, ulong turn, bool evenIfOut, bool weighted)
    {
        var total = 0;
        foreach (var proxy in _proxies)
        {
            if (IsEligible(proxy, tried, evenIfOut))
            {
                total += weighted ? proxy.Weight : 1;
            }
        }

        if (total == 0)
        {
            return null;
        }

        var place = weighted ? (int)(turn * Golden % 1 * total) : (int)(turn % (ulong)total);
        UpstreamProxy? last = null;
        foreach (var proxy in _proxies)
        {
            if (IsEligible(proxy, tried, evenIfOut))
            {
                last = proxy;
                place -= weighted ? proxy.Weight : 1;
                if (place < 0)
                {
                    break;
                }
            }
        }

        return last;
    }

    private UpstreamProxy? LeastUsed(ReadOnlySpan<UpstreamProxy?> tried, ulong turn, bool evenIfOut)
    {
        UpstreamProxy? best = null;
        var least = double.MaxValue;
        for (var i = 0; i < _proxies.Length; i++)
        {
            var proxy = _proxies[(int)((turn + (ulong)i) % (ulong)_proxies.Length)]; // so that equals take turns
            var load = (proxy.Health.InUse + 1.0) / proxy.Weight;
            if (load < least && IsEligible(proxy, tried, evenIfOut))
            {
                (best, least) = (proxy, load);
            }
        }

        return best;
    }

    /// <summary>Rendezvous hashing: when a proxy goes out, its keys and no others move, and they come back with it.</summary>
    private UpstreamProxy? Sticky(ulong key, ReadOnlySpan<UpstreamProxy?> tried, bool evenIfOut)
    {
        UpstreamProxy? best = null;
        var highest = double.MinValue;
        foreach (var proxy in _proxies)
        {
            var unit = ((StableHash.Combine(key, proxy.Number) >> 11) + 0.5) / (1UL << 53); // in (0, 1)
            var score = proxy.Weight / -Math.Log(unit);
            if (score > highest && IsEligible(proxy, tried, evenIfOut))
            {
                (best, highest) = (proxy, score);
            }
        }

        return best;
    }

    private static bool IsEligible(UpstreamProxy proxy, ReadOnlySpan<UpstreamProxy?> tried, bool evenIfOut)
        => !IsTried(proxy, tried) && (evenIfOut || proxy.Health.IsIn);
}
