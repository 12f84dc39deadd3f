using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Listeners;

/// <summary>Why an adapter ended a connection before HTTP began: the <c>reason</c> tag.</summary>
internal static class RejectionReason
{
    public const string Malformed = "malformed";
    public const string Oversized = "oversized";
    public const string Timeout = "timeout";
    public const string UntrustedSender = "untrusted_sender";
    public const string WrongProtocol = "wrong_protocol";
    public const string NoAcceptableMethod = "no_acceptable_method";
    public const string Unauthenticated = "unauthenticated";
    public const string Unsupported = "unsupported";
    public const string TooMany = "too_many";
}

internal sealed class ListenerMetrics
{
    public const string MeterName = "PyProxy.Gateway";

    public const string ProxyProtocolAdapter = "proxy_protocol";
    public const string SocksAdapter = "socks";
    public const string GateAdapter = "gate";

    private readonly Counter<long> _rejectedConnections;
    private readonly Meter _meter;

    public ListenerMetrics(IMeterFactory meterFactory)
    {
        _meter = meterFactory.Create(MeterName);
        _rejectedConnections = _meter.CreateCounter<long>(
            "pyproxy.listener.rejected_connections",
            unit: "{connection}",
            description: "Connections that were ended before HTTP began, by adapter and reason.");
    }

    public void ConnectionRejected(string adapter, string reason)
    {
        if (_rejectedConnections.Enabled)
        {
            _rejectedConnections.Add(1, new TagList { { "adapter", adapter }, { "reason", reason } });
        }
    }

    /// <summary>Shows when the certificates of endpoints expire; read when metrics are collected.</summary>
    public void ObserveCertificates(Func<IEnumerable<CertificateExpiry>> certificates)
        => _meter.CreateObservableGauge(
            "pyproxy.certificate.expiry_time",
            () => certificates().Select(static certificate => new Measurement<double>(certificate.Expiry.ToUnixTimeSeconds(), Tags(certificate))),
            "s",
            "When the certificate of an endpoint expires, in seconds since 1970.");

    private static TagList Tags(CertificateExpiry certificate)
        => certificate.Sni is { } sni ? new TagList { { "endpoint", certificate.Endpoint }, { "sni", sni } } : new TagList { { "endpoint", certificate.Endpoint } };
}

/// <summary>Until when a certificate of an endpoint is good.</summary>
/// <param name="Endpoint">Whose.</param>
/// <param name="Sni">For which names, as the configuration has them; <see langword="null"/> = all others.</param>
/// <param name="Expiry">Until when.</param>
internal readonly record struct CertificateExpiry(string Endpoint, string? Sni, DateTimeOffset Expiry);
