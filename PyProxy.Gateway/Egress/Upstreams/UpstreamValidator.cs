using System.Globalization;
using System.Text;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>Judges a pool of upstream proxies.</summary>
internal static class UpstreamValidator
{
    public const string NameRule = "the name has 1 to 64 letters, digits, '-', '_' or '.'.";

    private const int MaxProxies = 1000;
    private const int MaxNameLength = 64;
    private const int MaxCredentialBytes = 255; // RFC 1929

    public static bool IsName(string name)
        => name.Length is > 0 and <= MaxNameLength && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    public static void Validate(UpstreamPoolOptions pool, string path, ConfigurationErrors errors)
    {
        if (pool.Proxies.Count is 0 or > MaxProxies)
        {
            errors.Add($"{path}:{nameof(pool.Proxies)}", string.Create(CultureInfo.InvariantCulture, $"has 1 to {MaxProxies} upstream proxies."));
        }

        foreach (var (name, proxy) in pool.Proxies)
        {
            Proxy(name, proxy, $"{path}:{nameof(pool.Proxies)}:{name}", errors);
        }

        if (!Enum.IsDefined(pool.Selection))
        {
            errors.Add($"{path}:{nameof(pool.Selection)}", $"must be {string.Join(", ", Enum.GetNames<UpstreamSelection>())}.");
        }

        if (!Enum.IsDefined(pool.WhenAllOut))
        {
            errors.Add($"{path}:{nameof(pool.WhenAllOut)}", "must be Try or Refuse.");
        }

        Between(pool.MaxAttempts, 1, UpstreamAttempts.Most, $"{path}:{nameof(pool.MaxAttempts)}", errors);
        Between(pool.FailuresToEject, 1, 100, $"{path}:{nameof(pool.FailuresToEject)}", errors);
        EgressOptionsValidator.Between(pool.ConnectTimeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1), $"{path}:{nameof(pool.ConnectTimeout)}", errors);
        EgressOptionsValidator.Between(pool.EjectionTime, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1), $"{path}:{nameof(pool.EjectionTime)}", errors);
        EgressOptionsValidator.Between(pool.MaxEjectionTime, pool.EjectionTime, TimeSpan.FromDays(1), $"{path}:{nameof(pool.MaxEjectionTime)}", errors);
        Check(pool.HealthCheck, $"{path}:{nameof(pool.HealthCheck)}", errors);
        if (pool.AuthoritiesFile is { } file && ServerTrust.Refusal(file) is { } reason)
        {
            errors.Add($"{path}:{nameof(pool.AuthoritiesFile)}", reason);
        }
    }

    private static void Check(UpstreamCheckOptions check, string path, ConfigurationErrors errors)
    {
        if (check.Interval != TimeSpan.Zero)
        {
            EgressOptionsValidator.Between(check.Interval, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1), $"{path}:{nameof(check.Interval)}", errors);
        }

        EgressOptionsValidator.Between(check.Timeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1), $"{path}:{nameof(check.Timeout)}", errors);
        if (check.Target is { } target && !HostPort.TryParse(target, 0, out _))
        {
            errors.Add($"{path}:{nameof(check.Target)}", $"\"{target}\" is not a host and a port; one looks like example.org:443.");
        }
    }

    private static void Proxy(string name, UpstreamProxyOptions proxy, string path, ConfigurationErrors errors)
    {
        if (!IsName(name))
        {
            errors.Add(path, NameRule);
        }

        // The text is not repeated: it may have a password in it.
        if (proxy.Address.Contains('@', StringComparison.Ordinal))
        {
            errors.Add($"{path}:{nameof(proxy.Address)}", "has user information; it belongs into User and Password.");
        }
        else if (!UpstreamProxy.TryParse(proxy.Address, out _, out _))
        {
            errors.Add($"{path}:{nameof(proxy.Address)}", "is no address of an upstream proxy; one looks like http://10.0.0.5:3128, https://proxy.example or socks5://10.0.0.6:1080.");
        }

        if (proxy.Password is not null && proxy.User is null)
        {
            errors.Add($"{path}:{nameof(proxy.Password)}", "has no meaning without User.");
        }

        if (proxy.User is { } user && (user.Contains(':', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(user) is 0 or > MaxCredentialBytes))
        {
            errors.Add($"{path}:{nameof(proxy.User)}", "has 1 to 255 bytes, no colon among them.");
        }

        if (proxy.Password is { } password && Encoding.UTF8.GetByteCount(password) > MaxCredentialBytes)
        {
            errors.Add($"{path}:{nameof(proxy.Password)}", "has at most 255 bytes.");
        }

        Between(proxy.Weight, 1, 1000, $"{path}:{nameof(proxy.Weight)}", errors);
    }

    private static void Between(int value, int least, int most, string path, ConfigurationErrors errors)
    {
        if (value < least || value > most)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"{value} is not between {least} and {most}."));
        }
    }
}
