using System.ComponentModel;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>
/// What a rule is about. Everything that is given must match; of a list, one entry. What cannot be known of an exchange (the path within a tunnel)
/// matches nothing, neither as such nor under Not.
/// </summary>
[Description("What a rule is about. Everything that is given must match; of a list, one entry. What cannot be known of an exchange "
    + "(the path within a tunnel) makes a rule that needs it not match, under Not as well.")]
internal sealed class MatchOptions
{
    [Description("All of these must match.")]
    public IReadOnlyList<MatchOptions> All { get; init; } = [];

    [Description("At least one of these must match.")]
    public IReadOnlyList<MatchOptions> Any { get; init; } = [];

    [Description("This must not match.")]
    public MatchOptions? Not { get; init; }

    [Description("Names of users; case-sensitive. Anonymous clients match none.")]
    public IReadOnlyList<string> Users { get; init; } = [];

    [Description("Groups, one of which the user belongs to; case-sensitive.")]
    public IReadOnlyList<string> Groups { get; init; } = [];

    [Description("Plans, one of which the user has.")]
    public IReadOnlyList<string> Plans { get; init; } = [];

    [Description("Addresses that the client comes from: CIDR ranges (10.0.0.0/8, fd00::/8) or single addresses.")]
    public IReadOnlyList<string> ClientAddresses { get; init; } = [];

    [Description("Names of lists, one of which has the client's address.")]
    public IReadOnlyList<string> ClientLists { get; init; } = [];

    [Description("Names of endpoints in Kestrel:Endpoints.")]
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    [Description("Ways in: Reverse, Forward (a request in absolute form), Connect, Socks.")]
    public IReadOnlyList<WayIn> WaysIn { get; init; } = [];

    [Description("Schemes asked for: http or https. Unknown for tunnels.")]
    public IReadOnlyList<string> Schemes { get; init; } = [];

    [Description("Methods; case-sensitive, as HTTP has them. CONNECT for every tunnel.")]
    public IReadOnlyList<string> Methods { get; init; } = [];

    [Description("Hosts that the client asks for: a name (example.org), an address, or *.example.org for every name below, not itself.")]
    public IReadOnlyList<string> Hosts { get; init; } = [];

    [Description("Names of lists, one of which has the host that the client asks for.")]
    public IReadOnlyList<string> HostLists { get; init; } = [];

    [Description("Regular expressions over the host in lower case; they match anywhere in it unless anchored with ^ and $.")]
    public IReadOnlyList<string> HostRegex { get; init; } = [];

    [Description("Ports asked for: 443, or a range 8000-8999.")]
    public IReadOnlyList<string> Ports { get; init; } = [];

    [Description("The path asked for, percent-decoded and with runs of slashes as one. Unknown for tunnels.")]
    public TextOptions? Path { get; init; }

    [Description("The query asked for, percent-decoded, without its question mark. Unknown for tunnels.")]
    public TextOptions? Query { get; init; }

    [Description("Fields of the request's head; all of these must match. Unknown for SOCKS.")]
    public IReadOnlyList<FieldOptions> Headers { get; init; } = [];

    [Description("The body's declared size (Content-Length; 0 without a body). Unknown for chunked bodies and for tunnels.")]
    public SizeOptions? BodySize { get; init; }

    [Description("Addresses that the host resolves to, as CIDR ranges or single addresses; decided when the gateway dials. Only for Allow and Deny of "
        + "request rules, and known on forward ways in only.")]
    public IReadOnlyList<string> Addresses { get; init; } = [];

    [Description("Names of lists, one of which has an address that the host resolves to; otherwise as Addresses.")]
    public IReadOnlyList<string> AddressLists { get; init; } = [];

    [Description("Time of day and weekday.")]
    public TimeOptions? Time { get; init; }

    [Description("What the destination answered; in response rules only.")]
    public ResponseMatchOptions? Response { get; init; }
}

/// <summary>Text patterns; one of all that are given must match.</summary>
[Description("Text patterns; one of all that are given must match.")]
internal class TextOptions
{
    [Description("The whole text.")]
    public IReadOnlyList<string> Exact { get; init; } = [];

    [Description("What the text begins with.")]
    public IReadOnlyList<string> Prefix { get; init; } = [];

    [Description("The whole text with wildcards: * for anything but a slash, ** for anything, ? for one character but a slash.")]
    public IReadOnlyList<string> Glob { get; init; } = [];

    [Description("Regular expressions (non-backtracking); they match anywhere in the text unless anchored with ^ and $.")]
    public IReadOnlyList<string> Regex { get; init; } = [];
}

/// <summary>A field of a head.</summary>
[Description("A field of a head: its presence, or patterns of which one must match one of its lines.")]
internal sealed class FieldOptions : TextOptions
{
    [Description("The field's name. Required.")]
    public string Name { get; init; } = "";

    [Description("Whether the field must be there, or must not. Default: true.")]
    public bool Present { get; init; } = true;
}

/// <summary>A size in bytes.</summary>
[Description("A size in bytes.")]
internal sealed class SizeOptions
{
    [Description("At least so many bytes, from 0.")]
    public long? Min { get; init; }

    [Description("At most so many bytes, from 0.")]
    public long? Max { get; init; }
}

/// <summary>When.</summary>
[Description("When: on certain days, between two times of a time zone.")]
internal sealed class TimeOptions
{
    [Description("Days of the week. Default: every day.")]
    public IReadOnlyList<DayOfWeek> Days { get; init; } = [];

    [Description("From this time of day on: hh:mm. Default: 00:00.")]
    public string? From { get; init; }

    [Description("Before this time of day: hh:mm. Earlier than From means on the day after. Default: the day's end.")]
    public string? To { get; init; }

    [Description("Time zone by its IANA name, like Europe/Berlin. Default: UTC.")]
    public string? TimeZone { get; init; }
}

/// <summary>What the destination answered.</summary>
[Description("What the destination answered. Everything that is given must match.")]
internal sealed class ResponseMatchOptions
{
    [Description("Statuses: 404, or a range 500-599.")]
    public IReadOnlyList<string> Statuses { get; init; } = [];

    [Description("Fields of the response's head; all of these must match.")]
    public IReadOnlyList<FieldOptions> Headers { get; init; } = [];

    [Description("Media types: text/html, or image/* for every one of a kind. Without parameters, in any case.")]
    public IReadOnlyList<string> ContentTypes { get; init; } = [];

    [Description("The body's declared size (Content-Length). Unknown for chunked bodies.")]
    public SizeOptions? Size { get; init; }
}
