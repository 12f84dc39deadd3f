using System.ComponentModel;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>Section <c>Gateway:Telemetry:AccessLog</c>.</summary>
internal sealed class AccessLogOptions
{
    /// <summary>The path that means standard output.</summary>
    public const string StandardOutput = "-";

    [Description("""
        How a record is written. Json: one JSON object per line. Combined: Apache's combined format, which programs for the analysis of web logs
        read. Off: no records. Default: Json.
        """)]
    public AccessLogFormat Format { get; init; }

    [Description("""
        Where records go: "-" is standard output, any other text a file that is appended to (relative paths lie below Gateway:DataDirectory),
        the empty text no file. Default: "-".
        """)]
    public string Path { get; init; } = StandardOutput;

    [Description("""
        Whether records go out as OTLP log records too, to where OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_LOGS_ENDPOINT points. Needs
        Format Json. Takes effect at the next start. Default: false.
        """)]
    public bool Otlp { get; init; }

    [Description("When a file is set aside as FILE.1 (FILE.1 becomes FILE.2 …) and begun anew, in bytes; 0 = never. Default: 104857600 (100 MiB).")]
    public long RotateBytes { get; init; } = 100 * 1024 * 1024;

    [Description("A file is also set aside when a period of this length is over, counted from midnight UTC; hh:mm:ss or d.hh:mm:ss, at least 1 min; 0 = never. Default: 0.")]
    public TimeSpan RotateInterval { get; init; }

    [Description("How many files that were set aside are kept. 1 to 1000. Default: 10.")]
    public int KeepFiles { get; init; } = 10;

    [Description("""
        How often an open tunnel gets a record of how it stands (with "interim": true), besides the one at its end; hh:mm:ss, at least 10 s; 0 = never.
        Needs Format Json. Default: 0.
        """)]
    public TimeSpan TunnelInterval { get; init; }

    [Description("Whether the query of a request's target is written. Queries often carry secrets. Default: false.")]
    public bool Queries { get; init; }

    [Description("""
        Whether health checks and scrapes (/health/live, /health/ready and /metrics of the Admin role) that were answered with success are written; they
        come every few seconds and say nothing. Those that failed always are. Default: false.
        """)]
    public bool Probes { get; init; }

    [Description("""
        Fields that are left out (Combined: "-"): Client, User, AuthScheme, Endpoint, Method, Target, DecidedBy, Route, Cluster, Destination, Tags,
        TraceId, Referer, UserAgent. Default: none.
        """)]
    public AccessLogField[] Drop { get; init; } = [];

    [Description("Fields that are shortened: Client to its network (/24 or /48), Target to scheme and host, others to their first character. Default: none.")]
    public AccessLogField[] Mask { get; init; } = [];

    [Description("""
        Fields that are replaced by 32 hexadecimal digits of HMAC-SHA256 under HashKey: the same value is the same everywhere, and nobody without
        the key can find out which it was. Default: none.
        """)]
    public AccessLogField[] Hash { get; init; } = [];

    [Description("The secret key for Hash, at least 16 characters. Gateways that share it write the same digits for the same value. Default: none.")]
    public string? HashKey { get; init; }
}

internal enum AccessLogFormat
{
    /// <summary>One JSON object per line.</summary>
    Json = 0,

    /// <summary>Apache's combined format.</summary>
    Combined,

    /// <summary>No records.</summary>
    Off,
}

/// <summary>The fields of a record that say who somebody is or what they do, or name what the operator may not want to show.</summary>
internal enum AccessLogField
{
    Client = 0,
    User,
    AuthScheme,
    Endpoint,
    Method,
    Target,
    DecidedBy,
    Route,
    Cluster,
    Destination,
    Tags,
    TraceId,
    Referer,
    UserAgent,
}
