using System.Net;

namespace PyProxy.Gateway.Egress.Names;

/// <summary>Asks a name service once; what is remembered of its answers is <see cref="CachingResolver"/>'s business.</summary>
internal interface INameLookup
{
    /// <exception cref="System.Net.Sockets.SocketException">As <see cref="IResolver.ResolveAsync"/>.</exception>
    ValueTask<NameAnswer> LookupAsync(string name, CancellationToken cancellationToken);
}

/// <param name="Addresses">In the order in which they should be tried.</param>
/// <param name="TimeToLive">How long they hold; <see langword="null"/> where the service does not tell.</param>
internal readonly record struct NameAnswer(IReadOnlyList<IPAddress> Addresses, TimeSpan? TimeToLive);

/// <summary>What a cache of names is held to.</summary>
/// <param name="Timeout">How long a lookup may take.</param>
/// <param name="MinimumTtl">Least time that an answer is remembered.</param>
/// <param name="MaximumTtl">Most time.</param>
/// <param name="UntimedTtl">For answers that tell no time.</param>
/// <param name="NegativeTtl">For names that do not exist.</param>
/// <param name="Size">How many names are remembered.</param>
internal readonly record struct NameCacheLimits(
    TimeSpan Timeout, TimeSpan MinimumTtl, TimeSpan MaximumTtl, TimeSpan UntimedTtl, TimeSpan NegativeTtl, int Size)
{
    private static readonly TimeSpan UntimedAtMost = TimeSpan.FromSeconds(30);

    public static NameCacheLimits Of(DnsOptions dns)
        => new(dns.Timeout, TimeSpan.Zero, dns.CacheDuration, dns.CacheDuration, dns.NegativeCacheDuration, dns.CacheSize);

    public static NameCacheLimits Of(ProfileDnsOptions dns) => new(
        dns.Timeout,
        dns.MinimumTtl,
        dns.MaximumTtl,
        dns.MaximumTtl < UntimedAtMost ? dns.MaximumTtl : UntimedAtMost,
        dns.NegativeTtl,
        dns.CacheSize);

    public TimeSpan For(TimeSpan? timeToLive)
    {
        if (timeToLive is not { } told)
        {
            return UntimedTtl;
        }

        return told < MinimumTtl ? MinimumTtl : told > MaximumTtl ? MaximumTtl : told;
    }
}
