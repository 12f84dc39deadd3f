using System.Net;
using Microsoft.Extensions.Primitives;

namespace PyProxy.Gateway.Filtering;

/// <summary>
/// A decision of a program's own about traffic. Register it with <c>services.AddTrafficFilter&lt;T&gt;("name")</c>; a rule with
/// <c>"Action": "Filter", "Filter": "name"</c> says where among the rules it is asked, and by the rule's <c>Match</c> about which exchanges.
/// </summary>
/// <remarks>
/// One instance serves all exchanges at once and lives as long as the gateway. A question that throws, or takes longer than
/// <c>Gateway:Filtering:Filters:name:Timeout</c>, counts as <c>OnFailure</c> says; what such a call does afterwards has no effect.
/// </remarks>
public interface ITrafficFilter
{
    /// <summary>Asked before the request goes anywhere.</summary>
    /// <param name="request">The request; of a tunnel what is known of it.</param>
    /// <param name="cancellationToken">Cancelled when the client has gone or the time is up.</param>
    ValueTask<TrafficVerdict> OnRequestAsync(TrafficRequest request, CancellationToken cancellationToken);

    /// <summary>Asked when the destination has answered, before the client hears of it. Not for tunnels: their bytes are not read.</summary>
    /// <param name="response">The response's head, and the request that it answers.</param>
    /// <param name="cancellationToken">Cancelled when the client has gone or the time is up.</param>
    ValueTask<TrafficVerdict> OnResponseAsync(TrafficResponse response, CancellationToken cancellationToken) => ValueTask.FromResult(TrafficVerdict.Continue);
}

/// <summary>What a filter says.</summary>
public readonly record struct TrafficVerdict
{
    private TrafficVerdict(bool isAllowed, string? refusal)
    {
        IsAllowed = isAllowed;
        Refusal = refusal;
    }

    /// <summary>Nothing: the rules after it decide.</summary>
    public static TrafficVerdict Continue { get; }

    /// <summary>The exchange goes on; no later rule is asked.</summary>
    public static TrafficVerdict Allow { get; } = new(isAllowed: true, refusal: null);

    /// <summary>Whether no later rule is to be asked.</summary>
    public bool IsAllowed { get; }

    /// <summary>The sentence that the client is refused with; <see langword="null"/> where it is not refused.</summary>
    public string? Refusal { get; }

    /// <summary>The exchange is refused with 403.</summary>
    /// <param name="message">One sentence for the person who reads the answer; it must hold no secret.</param>
    public static TrafficVerdict Deny(string message) => new(isAllowed: false, message);
}

/// <summary>A request as a filter sees it: a copy, so that a filter whose time is up cannot change what goes on without it.</summary>
public sealed class TrafficRequest
{
    internal TrafficRequest()
    {
    }

    /// <summary>The decision id that stands in log, trace and refusal.</summary>
    public required string Id { get; init; }

    /// <summary>Name of the user; <see langword="null"/> for an anonymous client.</summary>
    public string? User { get; init; }

    /// <summary>Groups of the user.</summary>
    public required IReadOnlyList<string> Groups { get; init; }

    /// <summary>Where the client comes from.</summary>
    public IPAddress? ClientAddress { get; init; }

    /// <summary>Name of the listener in <c>Kestrel:Endpoints</c>.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Reverse, Forward, Connect or Socks.</summary>
    public required string WayIn { get; init; }

    /// <summary>The method; CONNECT for a tunnel.</summary>
    public required string Method { get; init; }

    /// <summary><c>http</c> or <c>https</c>; <see langword="null"/> for a tunnel.</summary>
    public string? Scheme { get; init; }

    /// <summary>The host asked for, in lower case and punycode; empty where the client named none.</summary>
    public required string Host { get; init; }

    /// <summary>The port asked for; 0 where there is none.</summary>
    public int Port { get; init; }

    /// <summary>The path, percent-decoded; <see langword="null"/> for a tunnel.</summary>
    public string? Path { get; init; }

    /// <summary>The query without its question mark, percent-decoded; <see langword="null"/> for a tunnel.</summary>
    public string? Query { get; init; }

    /// <summary>The fields of the head, by name in any case.</summary>
    public required IReadOnlyDictionary<string, StringValues> Headers { get; init; }

    internal FieldChanges Changes { get; } = new();

    internal List<string> Tags { get; } = [];

    /// <summary>Sets a field of the request, in place of all its lines.</summary>
    /// <param name="name">The field's name; not one that frames the message or belongs to this hop.</param>
    /// <param name="value">ASCII without control characters.</param>
    /// <exception cref="ArgumentException">The name or the value cannot be sent.</exception>
    public void SetField(string name, string value) => Changes.Set(name, value);

    /// <summary>Removes a field of the request.</summary>
    /// <param name="name">The field's name.</param>
    /// <exception cref="ArgumentException">The field may not be removed.</exception>
    public void RemoveField(string name) => Changes.Remove(name);

    /// <summary>Adds a word for the access log.</summary>
    /// <param name="tag">1 to 64 letters, digits, '-', '_', '.' or ':'.</param>
    public void AddTag(string tag)
    {
        if (!Rules.ActionCompiler.IsTag(tag))
        {
            throw new ArgumentException("A tag has 1 to 64 letters, digits, '-', '_', '.' or ':'.", nameof(tag));
        }

        Tags.Add(tag);
    }
}

/// <summary>A response as a filter sees it.</summary>
public sealed class TrafficResponse
{
    internal TrafficResponse()
    {
    }

    /// <summary>The request that it answers.</summary>
    public required TrafficRequest Request { get; init; }

    /// <summary>Status.</summary>
    public required int Status { get; init; }

    /// <summary>The fields of the head, by name in any case.</summary>
    public required IReadOnlyDictionary<string, StringValues> Headers { get; init; }

    /// <summary>The body's declared size.</summary>
    public long? ContentLength { get; init; }

    internal FieldChanges Changes { get; } = new();

    /// <summary>Sets a field of the response, in place of all its lines.</summary>
    /// <param name="name">The field's name; not one that frames the message or belongs to this hop.</param>
    /// <param name="value">ASCII without control characters.</param>
    /// <exception cref="ArgumentException">The name or the value cannot be sent.</exception>
    public void SetField(string name, string value) => Changes.Set(name, value);

    /// <summary>Removes a field of the response.</summary>
    /// <param name="name">The field's name.</param>
    /// <exception cref="ArgumentException">The field may not be removed.</exception>
    public void RemoveField(string name) => Changes.Remove(name);
}
