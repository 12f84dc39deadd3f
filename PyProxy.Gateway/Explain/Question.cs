using System.ComponentModel;

namespace PyProxy.Gateway.Explain;

/// <summary>What somebody wants to know: an exchange that has not happened, as text. What is left out is what it would usually be.</summary>
internal sealed record Question
{
    [Description("Host and port (example.org:443) for a tunnel, or a URL (http://example.org/path).")]
    public string Target { get; init; } = "";

    [Description("The method. Default: CONNECT for host and port, GET for a URL.")]
    public string? Method { get; init; }

    [Description("forward, connect, socks or reverse. Default: the endpoint's; without one connect for CONNECT and forward for all else.")]
    public string? WayIn { get; init; }

    [Description("Name of the endpoint in Kestrel:Endpoints. Default: the first one of the way in.")]
    public string? Endpoint { get; init; }

    [Description("Name of the user, whose groups and plan are looked up. Default: an anonymous client.")]
    public string? User { get; init; }

    [Description("Groups of the user, in place of those that are looked up.")]
    public IReadOnlyList<string>? Groups { get; init; }

    [Description("Plan of the user, in place of the one that is looked up.")]
    public string? Plan { get; init; }

    [Description("The client's address. Default: not known.")]
    public string? From { get; init; }

    [Description("When: 2026-03-01T09:00, in UTC unless it says otherwise. Default: now.")]
    public string? At { get; init; }

    [Description("Fields of the request's head.")]
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    [Description("The body's declared size in bytes. Default: no body.")]
    public long? BodySize { get; init; }

    [Description("Addresses that the host is to resolve to. Default: it is resolved.")]
    public IReadOnlyList<string> Addresses { get; init; } = [];

    [Description("Status of the response; with it the rules about responses are asked as well.")]
    public int? Status { get; init; }

    [Description("Fields of the response's head.")]
    public IReadOnlyDictionary<string, string> ResponseHeaders { get; init; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>A question that cannot be answered because it makes no sense.</summary>
/// <param name="member">The member of <see cref="Question"/> that is wrong.</param>
/// <param name="message">What is wrong with it.</param>
internal sealed class QuestionException(string member, string message) : Exception(message)
{
    public string Member { get; } = member;
}
