using System.ComponentModel;

namespace PyProxy.Gateway.Forward;

/// <summary>Section <c>Gateway:Tunnels</c>. A tunnel keeps the values that were valid when it was opened.</summary>
internal sealed class TunnelOptions
{
    public const string SectionPath = "Gateway:Tunnels";
    public const string IdleTimeoutSetting = $"{SectionPath}:{nameof(IdleTimeout)}";
    public const string LifetimeSetting = $"{SectionPath}:{nameof(Lifetime)}";

    [Description("""
        How long a tunnel (CONNECT or SOCKS5) may stay open without a byte in either direction. 1 second to 24 hours; 0 = no limit.
        Default: 10 minutes.
        """)]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    [Description("""
        How long a tunnel may stay open in all, however busy it is. 1 second to 30 days; 0 = no limit. Default: 0.
        """)]
    public TimeSpan Lifetime { get; init; }
}
