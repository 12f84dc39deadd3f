using System.Globalization;
using System.Net;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Egress;

internal sealed class EgressOptionsValidator : ISectionValidator<EgressOptions>
{
    public void Validate(EgressOptions options, string path, ConfigurationErrors errors)
    {
        Ranges(options.AllowedAddresses, $"{path}:{nameof(options.AllowedAddresses)}", errors);
        Ranges(options.DeniedAddresses, $"{path}:{nameof(options.DeniedAddresses)}", errors);
        Ports(options.ConnectPorts, $"{path}:{nameof(options.ConnectPorts)}", errors);
        if (options.SourceAddress is { } source && !IsSourceAddress(source))
        {
            errors.Add($"{path}:{nameof(options.SourceAddress)}", $"\"{source}\" is not an address that a connection can leave from.");
        }

        Between(options.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10), $"{path}:{nameof(options.ConnectTimeout)}", errors);
        Between(options.TlsTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10), $"{path}:{nameof(options.TlsTimeout)}", errors);
        Between(
            options.HappyEyeballsDelay, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(2), $"{path}:{nameof(options.HappyEyeballsDelay)}", errors);
        Between(
            options.PooledConnectionLifetime, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), $"{path}:{nameof(options.PooledConnectionLifetime)}", errors);
        Between(
            options.PooledConnectionIdleTimeout,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromHours(1),
            $"{path}:{nameof(options.PooledConnectionIdleTimeout)}",
            errors);
        Dns(options.Dns, $"{path}:{nameof(options.Dns)}", errors);
        EgressProfileValidator.Validate(options, path, errors);
    }

    private static void Dns(DnsOptions dns, string path, ConfigurationErrors errors)
    {
        Between(dns.CacheDuration, TimeSpan.Zero, TimeSpan.FromHours(1), $"{path}:{nameof(dns.CacheDuration)}", errors);
        Between(dns.NegativeCacheDuration, TimeSpan.Zero, TimeSpan.FromMinutes(5), $"{path}:{nameof(dns.NegativeCacheDuration)}", errors);
        Between(dns.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), $"{path}:{nameof(dns.Timeout)}", errors);
        if (dns.CacheSize is < 1 or > 1_000_000)
        {
            errors.Add($"{path}:{nameof(dns.CacheSize)}", string.Create(CultureInfo.InvariantCulture, $"{dns.CacheSize} is not between 1 and 1000000."));
        }
    }

    private static void Ranges(IReadOnlyList<string> ranges, string path, ConfigurationErrors errors)
    {
        for (var i = 0; i < ranges.Count; i++)
        {
            if (!Cidr.TryParse(ranges[i], out _))
            {
                errors.Add(
                    At(path, i),
                    $"\"{ranges[i]}\" is not an address range. Right would be 10.2.0.0/16, fd00::/8 or a single address; the bits behind the prefix are zero.");
            }
        }
    }

    private static void Ports(IReadOnlyList<string>? ports, string path, ConfigurationErrors errors)
    {
        for (var i = 0; i < ports?.Count; i++)
        {
            if (!ConnectPortPolicy.IsEntry(ports[i]))
            {
                errors.Add(At(path, i), $"\"{ports[i]}\" is not a port from 1 to 65535, nor \"*\".");
            }
        }
    }

    internal static bool IsSourceAddress(string text)
        => IPAddress.TryParse(text, out var address)
            && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !address.IsIPv4MappedToIPv6 && !address.IsIPv6Multicast;

    internal static void Between(TimeSpan value, TimeSpan least, TimeSpan most, string path, ConfigurationErrors errors)
    {
        if (value < least || value > most)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"{value:c} is not between {least:c} and {most:c}."));
        }
    }

    internal static string At(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}:{index}");
}
