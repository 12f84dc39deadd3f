using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace PyProxy.Gateway.Users.Schemes.ApiKeys;

/// <summary>Where keys stand in requests of a route.</summary>
internal sealed record ApiKeyField(string Header, string? Query)
{
    private const int MaxLength = 512; // ours have some 50 characters

    /// <summary>
    /// Takes the key out of a request: the first of field and query. A key in a query goes no further in any case; one in a field does where
    /// <paramref name="keepHeader"/> says so.
    /// </summary>
    /// <returns>False where there is none.</returns>
    public bool TryTake(HttpRequest request, bool keepHeader, out string? key)
    {
        var values = request.Headers[Header];
        if (values.Count > 0 && !keepHeader)
        {
            request.Headers.Remove(Header);
        }

        if (Query is not null && request.QueryString.HasValue && request.Query.TryGetValue(Query, out var inQuery))
        {
            RemoveFromQuery(request, Query);
            values = values.Count > 0 ? values : inQuery;
        }

        key = IsOne(values) ? values[0] : null;
        return values.Count > 0;
    }

    private static bool IsOne(StringValues values) => values.Count == 1 && values[0] is { Length: > 0 and <= MaxLength };

    /// <summary>Also from the target as received, which is what a request is sent on with.</summary>
    private static void RemoveFromQuery(HttpRequest request, string name)
    {
        var feature = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>();
        request.QueryString = new QueryString(Without(request.QueryString.Value!, name));
        var question = feature.RawTarget.IndexOf('?', StringComparison.Ordinal);
        if (question >= 0)
        {
            feature.RawTarget = string.Concat(feature.RawTarget.AsSpan(0, question), Without(feature.RawTarget[question..], name));
        }
    }

    private static string Without(string query, string name)
    {
        var kept = query[1..].Split('&').Where(pair => !IsNamed(pair, name));
        var rest = string.Join('&', kept);
        return rest.Length == 0 ? "" : "?" + rest;
    }

    private static bool IsNamed(string pair, string name)
    {
        var equals = pair.IndexOf('=', StringComparison.Ordinal);
        var key = Uri.UnescapeDataString((equals < 0 ? pair : pair[..equals]).Replace('+', ' '));
        return key.Equals(name, StringComparison.OrdinalIgnoreCase); // as ASP.NET Core looks it up
    }
}
