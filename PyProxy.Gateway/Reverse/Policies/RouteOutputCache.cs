using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Reverse.Policies;

/// <summary>
/// What of a route's answers is kept and given again. An origin knows better than whoever configures a proxy what is for one reader only: what it
/// marks so, what sets a cookie and what was asked for with credentials is never kept.
/// </summary>
/// <param name="route">Told apart in the cache: two routes may answer the same URL.</param>
/// <param name="find">The policy as it is now; a reload does not make the route's endpoint anew.</param>
internal sealed class RouteOutputCache(string route, Func<OutputCachePolicyOptions?> find) : IOutputCachePolicy
{
    public ValueTask CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        var http = context.HttpContext;
        if (find() is not { } policy || !IsForEveryone(http))
        {
            return ValueTask.CompletedTask;
        }

        context.EnableOutputCaching = true;
        context.AllowCacheLookup = true;
        context.AllowCacheStorage = true;
        context.AllowLocking = policy.Locking;
        context.ResponseExpirationTimeSpan = policy.Duration;
        context.CacheVaryByRules.QueryKeys = policy.QueryParameters is { } names ? new StringValues([.. names]) : "*";
        context.CacheVaryByRules.HeaderNames = new StringValues([.. policy.Headers]);
        context.CacheVaryByRules.VaryByValues["route"] = route;
        return ValueTask.CompletedTask;
    }

    /// <summary>What was kept is the answer of the destination; what stages in front have said to this client already is not taken back.</summary>
    public ValueTask ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        var response = context.HttpContext.Response;
        var said = response.Headers.ToArray();
        response.OnStarting(() =>
        {
            foreach (var (name, values) in said)
            {
                response.Headers[name] = values;
            }

            return Task.CompletedTask;
        });
        return ValueTask.CompletedTask;
    }

    /// <summary>Asked once the whole answer has passed.</summary>
    public ValueTask ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        var http = context.HttpContext;
        var headers = http.Response.Headers;
        context.AllowCacheStorage = http.Response.StatusCode == StatusCodes.Status200OK
            && headers.SetCookie.Count == 0
            && !IsForOneReader(headers.CacheControl)
            && VariesAsConfigured(headers.Vary, context.CacheVaryByRules.HeaderNames)
            && http.Features.Get<IForwarderErrorFeature>() is null // it did not arrive whole
            && !http.RequestAborted.IsCancellationRequested;
        return ValueTask.CompletedTask;
    }

    private static bool IsForEveryone(HttpContext http)
        => (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method))
            && http.Request.Headers.Authorization.Count == 0
            && http.User.Identity?.IsAuthenticated != true
            && http.Features.Get<Exchange>()?.User is null;

    private static bool IsForOneReader(StringValues cacheControl)
        => HeaderUtilities.ContainsCacheDirective(cacheControl, CacheControlHeaderValue.NoStoreString)
            || HeaderUtilities.ContainsCacheDirective(cacheControl, CacheControlHeaderValue.PrivateString)
            || HeaderUtilities.ContainsCacheDirective(cacheControl, CacheControlHeaderValue.NoCacheString);

    private static bool VariesAsConfigured(StringValues vary, StringValues configured)
    {
        foreach (var line in vary)
        {
            foreach (var name in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!configured.Contains(name, StringComparer.OrdinalIgnoreCase))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
