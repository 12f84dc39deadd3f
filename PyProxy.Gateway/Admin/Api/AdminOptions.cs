using System.ComponentModel;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>Section <c>Gateway:Admin</c>: who may use the admin API, and from where.</summary>
internal sealed class AdminOptions
{
    public const string Path = "Gateway:Admin";

    [Description("""
        Who may use the admin API, by a name of your choice that the audit log shows. Without any, only this machine may (see LocalAccess).
        Default: none.
        """)]
    public IReadOnlyDictionary<string, AdminTokenOptions> Tokens { get; init; } = new Dictionary<string, AdminTokenOptions>(StringComparer.Ordinal);

    [Description("""
        Whether a client on this machine (a loopback connection that no proxy has passed on) may use the admin API without a token.
        WithoutTokens: only while Tokens is empty. Always: may read and change. Never: a token is needed. Default: WithoutTokens.
        """)]
    public LocalAccess LocalAccess { get; init; }

    [Description("""
        Names by which the admin API may be asked for in Host, beside localhost and IP addresses. Any other name is refused, because a web
        page can make its own name point here (DNS rebinding). Default: none.
        """)]
    public IReadOnlyList<string> Hosts { get; init; } = [];

    [Description("""
        The file that every change made through the admin API is appended to, one JSON object per line; relative paths lie below
        Gateway:DataDirectory. The empty text leaves the log category PyProxy.Gateway.Admin.Api.AuditLog as the only record. Default: "audit.log".
        """)]
    public string AuditLog { get; init; } = "audit.log";
}

internal sealed class AdminTokenOptions
{
    [Description("What `PyProxy.Gateway admin-token` prints beside a token: sha256: and 64 hexadecimal digits. The token itself is never stored.")]
    public string Hash { get; init; } = "";

    [Description("What the token is good for. Read: looking. Write: changing too. Default: Read.")]
    public AdminRole Role { get; init; }
}

internal enum AdminRole
{
    /// <summary>May look.</summary>
    Read = 0,

    /// <summary>May look and change.</summary>
    Write,
}

internal enum LocalAccess
{
    /// <summary>As long as no token is configured.</summary>
    WithoutTokens = 0,

    /// <summary>Whatever is configured.</summary>
    Always,

    /// <summary>Not at all.</summary>
    Never,
}
