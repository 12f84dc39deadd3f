using System.ComponentModel;

namespace PyProxy.Gateway.Reverse.Policies;

/// <summary>
/// Section <c>Gateway:RoutePolicies</c>: policies that routes of <c>ReverseProxy</c> name, where the framework knows them from code only.
/// Authorization policies and plans have sections of their own.
/// </summary>
internal sealed class RoutePoliciesOptions
{
    public const string SectionPath = "Gateway:RoutePolicies";

    [Description("How long a request may take in all, by a name for TimeoutPolicy; 00:00:00.001 to 1.00:00:00. The answer is 504. Default: none.")]
    public Dictionary<string, TimeSpan> Timeouts { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    [Description("What pages of other origins may ask, by a name for CorsPolicy. Default: none.")]
    public Dictionary<string, CorsOptions> Cors { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    [Description("What of a route's answers is kept in memory and given again, by a name for OutputCachePolicy. Default: none.")]
    public Dictionary<string, OutputCachePolicyOptions> OutputCache { get; init; } = new(StringComparer.OrdinalIgnoreCase);
}

/// <summary>One CORS policy (https://fetch.spec.whatwg.org/#http-cors-protocol).</summary>
internal sealed class CorsOptions
{
    [Description("Origins that may ask: https://app.example, https://*.example for its subdomains, or * for all. Required.")]
    public List<string> Origins { get; init; } = [];

    [Description("Methods beyond GET, HEAD and POST that they may use, * for all. Default: none.")]
    public List<string> Methods { get; init; } = [];

    [Description("Request fields beyond the safelisted that they may send, * for all. Default: none.")]
    public List<string> Headers { get; init; } = [];

    [Description("Response fields beyond the safelisted that their scripts may read. Default: none.")]
    public List<string> ExposedHeaders { get; init; } = [];

    [Description("Whether requests may carry cookies and credentials; not together with the origin *. Default: false.")]
    public bool Credentials { get; init; }

    [Description("How long a browser may remember the answer to a preflight, 00:00:00 to 1.00:00:00. Default: the browser's own, 5 s.")]
    public TimeSpan? MaxAge { get; init; }
}

/// <summary>
/// One output cache policy. Kept are answers with 200 to GET and HEAD without credentials, which set no cookie and are not marked private, no-store or
/// no-cache; 64 MB each and 100 MB in all at most.
/// </summary>
internal sealed class OutputCachePolicyOptions
{
    [Description("How long an answer is given again, whatever max-age it has; 00:00:01 to 1.00:00:00. Required.")]
    public TimeSpan Duration { get; init; }

    [Description("Query parameters that tell answers apart; the others are as if they were not there. Default: all of them do.")]
    public List<string>? QueryParameters { get; init; }

    [Description("Request fields that tell answers apart. An answer whose Vary names another is not kept. Default: none.")]
    public List<string> Headers { get; init; } = [];

    [Description("Whether who asks for what is just being fetched waits for that answer instead of asking the destination as well; not for streams. Default: false.")]
    public bool Locking { get; init; }
}
