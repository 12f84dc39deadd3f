using System.Runtime.CompilerServices;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>The upstream proxies that have failed one exchange.</summary>
internal struct UpstreamAttempts
{
    /// <summary>The most that <c>MaxAttempts</c> may say.</summary>
    public const int Most = 10;

    private Slots _proxies;
    private int _count;

    public readonly int Count => _count;

    /// <summary>Of the last one.</summary>
    public ProxyError? Error { get; private set; }

    public void HasFailed(UpstreamProxy proxy, ProxyError error)
    {
        _proxies[_count++] = proxy;
        Error = error;
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public readonly ReadOnlySpan<UpstreamProxy?> Proxies => ((ReadOnlySpan<UpstreamProxy?>)_proxies)[.._count];

    public readonly UpstreamProxy? Last => _count == 0 ? null : _proxies[_count - 1];

    [InlineArray(Most)]
    private struct Slots
    {
        private UpstreamProxy? _first;
    }
}

/// <summary>Which upstream proxy an exchange turns to, and to which one after that.</summary>
internal sealed class UpstreamFailover(UpstreamMetrics metrics, ILogger<UpstreamFailover> logger)
{
    /// <exception cref="ProxyException">None is left to be tried; the error is that of the last one, if there was one.</exception>
    public UpstreamProxy Next(UpstreamPool pool, string host, EgressChoice choice, ref UpstreamAttempts tried)
    {
        var proxy = tried.Count < pool.Options.MaxAttempts ? pool.Choose(choice.User, host, tried.Proxies) : null;
        if (proxy is null)
        {
            throw new ProxyException(tried.Error ?? UpstreamFailure.AllOut(pool));
        }

        if (tried.Last is { } failed)
        {
            UpstreamLog.FailedOver(logger, failed.Name, pool.Profile, tried.Error!.Detail);
            metrics.FailedOver(pool);
        }

        return proxy;
    }

    /// <summary>The exchange goes through this one: its place is kept until the exchange ends, and its name is where the exchange went.</summary>
    public static void Taken(UpstreamPool pool, UpstreamProxy proxy, IDisposable place, EgressChoice choice)
    {
        if (choice.Exchange is { } exchange)
        {
            exchange.Destination = $"{pool.Profile}/{proxy.Name}";
            exchange.HoldUntilEnd(place);
        }
        else
        {
            place.Dispose();
        }
    }
}
