using System.ComponentModel;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>How a list is written, and with it what an entry covers.</summary>
internal enum ListFormat
{
    /// <summary>A name per line; it covers itself and the names below it. <c>*.name</c> covers only those below.</summary>
    Domains = 0,

    /// <summary>A hosts file that sends names to nowhere; a name covers itself only.</summary>
    Hosts,

    /// <summary>AdBlock's domain rules: <c>||name^</c> covers itself and the names below it, <c>@@||name^</c> takes them out again.</summary>
    AdBlock,

    /// <summary>A response policy zone: a name covers itself, <c>*.name</c> those below; the closest one decides.</summary>
    Rpz,

    /// <summary>An address range, or a single address, per line.</summary>
    Cidr,
}

/// <summary>The section <c>Gateway:Filtering:Lists</c>: lists by the name that rules call them by.</summary>
internal sealed class ListsOptions() : Dictionary<string, ListOptions>(StringComparer.OrdinalIgnoreCase)
{
    public const string SectionPath = "Gateway:Filtering:Lists";
}

/// <summary>One list. A record: a reload leaves alone what is equal to what was.</summary>
internal sealed record ListOptions
{
    [Description("Where the list comes from: a file (relative paths are below the folder of the configuration file; it is read anew when it changes), or an http or https URL "
        + "without user information. Required.")]
    public string Source { get; init; } = "";

    [Description("How the list is written. Domains: a name per line, which covers the names below it. Hosts: a hosts file, whose names cover themselves only. "
        + "AdBlock: ||name^ and @@||name^. Rpz: a response policy zone. Cidr: address ranges. Required.")]
    public ListFormat? Format { get; init; }

    [Description("How often a URL is asked for something newer, spread by a tenth either way; after a failure sooner. 00:01:00 to 30.00:00:00, default 06:00:00.")]
    public TimeSpan Refresh { get; init; } = TimeSpan.FromHours(6);

    [Description("How long a download may take in all, redirects and body included. 00:00:01 to 01:00:00, default 00:02:00.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    [Description("PEM file with the authorities that may have issued the certificate of an https source, in place of those that the system trusts; relative paths are "
        + "below the working directory. It does not hold for other servers that the source redirects to. Default: those that the system trusts.")]
    public string? AuthoritiesFile { get; init; }

    [Description("Whether a name covers the names below it, where the format (Domains or Hosts) does not write that into the entry. "
        + "Default: true for Domains, false for Hosts.")]
    public bool? Subdomains { get; init; }

    [Description("Most bytes that the list may have, after decompression; a longer one is refused and the last good one kept. 1 to 4294967296, default 134217728.")]
    public long MaxBytes { get; init; } = 128 * 1024 * 1024;

    [Description("Most entries that the list may have; a longer one is refused and the last good one kept. 1 to 50000000, default 5000000.")]
    public int MaxEntries { get; init; } = 5_000_000;

    [Description("Fewest entries that the list may have; a shorter one is taken for a fault of its source and the last good one kept. 0 to MaxEntries, default 1.")]
    public int MinEntries { get; init; } = 1;

    [Description("Whether the gateway refuses to start while it has neither the list nor a copy of it. Without it, a list that was never loaded "
        + "has no entries. Default: false.")]
    public bool Required { get; init; }

    /// <summary>The URL of a list that is fetched; <see langword="null"/> for a file.</summary>
    public Uri? Url => Source.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || Source.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
        ? Uri.TryCreate(Source, UriKind.Absolute, out var url) ? url : null
        : null;
}
