using System.Globalization;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>Judges <c>Gateway:Egress:Profiles</c>.</summary>
internal static class EgressProfileValidator
{
    private const int MaxSources = 256;
    private const int MaxServers = 8;
    private const int MaxHostAddresses = 16;

    public static void Validate(EgressOptions options, string path, ConfigurationErrors errors)
    {
        if (options.DefaultProfile is { } name && !Exists(options, name))
        {
            errors.Add($"{path}:{nameof(options.DefaultProfile)}", $"there is no egress profile \"{name}\" in {EgressOptions.ProfilesSetting}.");
        }

        foreach (var (profile, settings) in options.Profiles)
        {
            var at = $"{path}:{nameof(options.Profiles)}:{profile}";
            if (profile.Equals(EgressSnapshot.DirectName, StringComparison.OrdinalIgnoreCase))
            {
                errors.Add(at, "the name direct is taken: it always means that destinations are dialed by the section's own SourceAddress and Dns.");
            }

            if (!UpstreamValidator.IsName(profile))
            {
                errors.Add(at, UpstreamValidator.NameRule);
            }

            Sources(settings, at, errors);
            if (settings.Dns is { } dns)
            {
                Dns(dns, $"{at}:{nameof(settings.Dns)}", errors);
            }

            if (settings.Upstreams is { } upstreams)
            {
                UpstreamValidator.Validate(upstreams, $"{at}:{nameof(settings.Upstreams)}", errors);
            }
        }
    }

    private static bool Exists(EgressOptions options, string profile)
        => profile.Equals(EgressSnapshot.DirectName, StringComparison.OrdinalIgnoreCase) || options.Profiles.Keys.Contains(profile, StringComparer.OrdinalIgnoreCase);

    private static void Sources(EgressProfileOptions profile, string path, ConfigurationErrors errors)
    {
        var sources = profile.SourceAddresses;
        var at = $"{path}:{nameof(profile.SourceAddresses)}";
        if (sources.Count > MaxSources)
        {
            errors.Add(at, string.Create(CultureInfo.InvariantCulture, $"has at most {MaxSources} addresses."));
        }

        for (var i = 0; i < sources.Count; i++)
        {
            if (!EgressOptionsValidator.IsSourceAddress(sources[i]))
            {
                errors.Add(EgressOptionsValidator.At(at, i), $"\"{sources[i]}\" is not an address that a connection can leave from.");
            }
            else if (profile.AddressFamily is FamilyPreference.OnlyIPv4 or FamilyPreference.OnlyIPv6
                && sources[i].Contains(':', StringComparison.Ordinal) != (profile.AddressFamily == FamilyPreference.OnlyIPv6))
            {
                errors.Add(EgressOptionsValidator.At(at, i), $"would never be used: AddressFamily is {profile.AddressFamily}.");
            }
        }

        if (!Enum.IsDefined(profile.SourceSelection))
        {
            errors.Add($"{path}:{nameof(profile.SourceSelection)}", $"must be {string.Join(", ", Enum.GetNames<SourceSelection>())}.");
        }

        if (!Enum.IsDefined(profile.AddressFamily))
        {
            errors.Add($"{path}:{nameof(profile.AddressFamily)}", $"must be {string.Join(", ", Enum.GetNames<FamilyPreference>())}.");
        }
    }

    private static void Dns(ProfileDnsOptions dns, string path, ConfigurationErrors errors)
    {
        if (dns.Servers.Count > MaxServers)
        {
            errors.Add($"{path}:{nameof(dns.Servers)}", string.Create(CultureInfo.InvariantCulture, $"has at most {MaxServers} name servers."));
        }

        for (var i = 0; i < dns.Servers.Count; i++)
        {
            if (!OwnNameServers.TryParse(dns.Servers[i], out _))
            {
                errors.Add(EgressOptionsValidator.At($"{path}:{nameof(dns.Servers)}", i), $"\"{dns.Servers[i]}\" is not the address of a name server; one looks like 10.0.0.53 or [fd00::53]:53.");
            }
        }

        if (!Enum.IsDefined(dns.Transport))
        {
            errors.Add($"{path}:{nameof(dns.Transport)}", "must be Udp or Tcp.");
        }

        EgressOptionsValidator.Between(dns.ServerTimeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30), $"{path}:{nameof(dns.ServerTimeout)}", errors);
        EgressOptionsValidator.Between(dns.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), $"{path}:{nameof(dns.Timeout)}", errors);
        EgressOptionsValidator.Between(dns.MaximumTtl, TimeSpan.Zero, TimeSpan.FromDays(1), $"{path}:{nameof(dns.MaximumTtl)}", errors);
        EgressOptionsValidator.Between(dns.NegativeTtl, TimeSpan.Zero, TimeSpan.FromMinutes(5), $"{path}:{nameof(dns.NegativeTtl)}", errors);
        EgressOptionsValidator.Between(
            dns.MinimumTtl, TimeSpan.Zero, TimeSpan.FromHours(1) < dns.MaximumTtl ? TimeSpan.FromHours(1) : dns.MaximumTtl, $"{path}:{nameof(dns.MinimumTtl)}", errors);
        if (dns.CacheSize is < 1 or > 1_000_000)
        {
            errors.Add($"{path}:{nameof(dns.CacheSize)}", string.Create(CultureInfo.InvariantCulture, $"{dns.CacheSize} is not between 1 and 1000000."));
        }

        foreach (var (host, addresses) in dns.Hosts)
        {
            Host(host, addresses, $"{path}:{nameof(dns.Hosts)}:{host}", errors);
        }
    }

    private static void Host(string host, IReadOnlyList<string> addresses, string path, ConfigurationErrors errors)
    {
        if (!HostPort.TryCanonicalizeHost(host, out var canonical) || new HostPort(canonical, 80).TryGetAddress(out _))
        {
            errors.Add(path, $"\"{host}\" is not a host name.");
        }

        if (addresses.Count is 0 or > MaxHostAddresses)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"has 1 to {MaxHostAddresses} addresses."));
        }

        for (var i = 0; i < addresses.Count; i++)
        {
            if (!System.Net.IPAddress.TryParse(addresses[i], out _))
            {
                errors.Add(EgressOptionsValidator.At(path, i), $"\"{addresses[i]}\" is not an address.");
            }
        }
    }
}
