using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>Which ports a tunnel may lead to (CONNECT and SOCKS5). Without it, a proxy is a mail relay and a port scanner for whoever may use it.</summary>
internal sealed class ConnectPortPolicy
{
    private const string Any = "*";

    private static readonly int[] Default = [443, 80, 8080, 8443];

    private readonly bool _any;
    private readonly FrozenSet<int> _ports;

    /// <param name="entries">The configured list; <see langword="null"/> = the default ports.</param>
    public ConnectPortPolicy(IReadOnlyList<string>? entries)
    {
        _any = entries?.Contains(Any, StringComparer.Ordinal) == true;
        _ports = entries is null
            ? Default.ToFrozenSet()
            : entries.Where(e => e != Any).Select(ParsePort).ToFrozenSet();
    }

    public bool Allows(int port) => _any || _ports.Contains(port);

    /// <summary>False, with the refusal to answer, where no tunnel may lead to the target's port.</summary>
    public bool Allows(HostPort target, [NotNullWhen(false)] out ProxyError? refusal)
    {
        refusal = Allows(target.Port)
            ? null
            : ProxyErrors.NotAllowed(
                string.Create(CultureInfo.InvariantCulture, $"Tunnels to port {target.Port} are not allowed."),
                EgressOptions.ConnectPortsSetting,
                EgressOptions.ConnectPortsSetting);
        return refusal is null;
    }

    public static bool IsEntry(string? text) => text == Any || TryParsePort(text, out _);

    private static int ParsePort(string text)
        => TryParsePort(text, out var port) ? port : throw new FormatException($"\"{text}\" is not a port.");

    private static bool TryParsePort(string? text, out int port)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
