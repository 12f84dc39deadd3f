using System.Globalization;
using System.Net.Quic;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>Shape and checks of <see cref="ListenerEndpointOptions"/>, and those of Kestrel's keys that our roles depend on.</summary>
internal sealed class ListenerEndpointsSection() : ConfigurationSection(SectionPath, typeof(Dictionary<string, ListenerEndpointOptions>))
{
    public const string SectionPath = "Kestrel:Endpoints";

    private const string Defaults = "Kestrel:EndpointDefaults";
    private const string Protocols = "Protocols";
    private const string ClientCertificateMode = "ClientCertificateMode";

    /// <summary>Whether HTTP/3 can be had here: on Linux that depends on libmsquic.</summary>
    public static bool IsQuicSupported
        => (OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) && QuicListener.IsSupported;

    public override ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors)
    {
        CheckQuic(candidate.GetSection(Defaults), errors);
        foreach (var endpoint in candidate.GetSection(SectionPath).GetChildren())
        {
            var options = endpoint.Get<ListenerEndpointOptions>() ?? new ListenerEndpointOptions();
            CheckQuic(endpoint, errors);
            CheckSocks(endpoint, options, errors);
            CheckClientCertificates(candidate, endpoint, options, errors);
        }

        return ValueTask.CompletedTask;
    }

    private static void CheckQuic(IConfigurationSection endpoint, ConfigurationErrors errors)
    {
        if (!IsQuicSupported && AsksFor(endpoint, HttpProtocols.Http3))
        {
            errors.Add(
                $"{endpoint.Path}:{Protocols}",
                "HTTP/3 needs QUIC, which this machine does not have (on Linux: the package libmsquic); use Http1AndHttp2, or install it");
        }
    }

    private static void CheckSocks(IConfigurationSection endpoint, ListenerEndpointOptions options, ConfigurationErrors errors)
    {
        if (options.Role == ListenerRole.Socks && (AsksFor(endpoint, HttpProtocols.Http2) || AsksFor(endpoint, HttpProtocols.Http3)))
        {
            errors.Add($"{endpoint.Path}:{Protocols}", "a Socks endpoint speaks SOCKS5 and no HTTP; leave the key out");
        }
    }

    private static void CheckClientCertificates(
        IConfiguration candidate, IConfigurationSection endpoint, ListenerEndpointOptions options, ConfigurationErrors errors)
    {
        if (options.ClientCertificateAuthorities.Length == 0)
        {
            return;
        }

        var path = $"{endpoint.Path}:{nameof(ListenerEndpointOptions.ClientCertificateAuthorities)}";
        if (endpoint["Url"]?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) == false)
        {
            errors.Add(path, "client certificates come with TLS; the endpoint's Url is not https");
        }

        if (!AsksForCertificates(endpoint)
            && !AsksForCertificates(candidate.GetSection(Defaults))
            && !endpoint.GetSection("Sni").GetChildren().Any(AsksForCertificates))
        {
            errors.Add(path, $"has no effect: clients are not asked for a certificate; set \"{ClientCertificateMode}\": \"RequireCertificate\" (or AllowCertificate) beside it");
        }

        for (var i = 0; i < options.ClientCertificateAuthorities.Length; i++)
        {
            if (Refusal(options.ClientCertificateAuthorities[i]) is { } refusal)
            {
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{path}:{i}"), refusal);
            }
        }
    }

    private static string? Refusal(string file)
    {
        try
        {
            return ClientCertificateAuthorities.Load(file).Count == 0 ? $"\"{file}\" holds no certificate in PEM form" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return $"\"{file}\" cannot be read: {e.Message}";
        }
    }

    private static bool AsksFor(IConfigurationSection endpoint, HttpProtocols protocol)
        => Enum.TryParse<HttpProtocols>(endpoint[Protocols], ignoreCase: true, out var asked) && asked.HasFlag(protocol);

    private static bool AsksForCertificates(IConfigurationSection endpoint)
        => endpoint[ClientCertificateMode] is { Length: > 0 } mode && !mode.Equals("NoCertificate", StringComparison.OrdinalIgnoreCase);
}
