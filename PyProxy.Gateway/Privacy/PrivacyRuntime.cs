using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Privacy;

/// <summary>The section, compiled: which profile holds for an exchange.</summary>
internal sealed class PrivacySnapshot
{
    private readonly PrivacyProfile _default;
    private readonly FrozenDictionary<string, PrivacyProfile> _profiles;
    private readonly FrozenDictionary<string, PrivacyProfile> _endpoints;
    private readonly FrozenDictionary<string, PrivacyProfile> _users;
    private readonly (string Group, PrivacyProfile Profile)[] _groups;

    public PrivacySnapshot(PrivacyOptions options)
    {
        _default = new PrivacyProfile(options);
        _profiles = options.Profiles.ToFrozenDictionary(p => p.Key, p => new PrivacyProfile(p.Value), StringComparer.OrdinalIgnoreCase);
        _endpoints = options.Endpoints.ToFrozenDictionary(e => e.Key, e => _profiles[e.Value], StringComparer.OrdinalIgnoreCase);
        _users = options.Users.ToFrozenDictionary(u => u.Key, u => _profiles[u.Value], StringComparer.Ordinal);
        _groups = [.. options.Groups.Select(g => (g.Key, _profiles[g.Value]))];
    }

    /// <summary>The rule's, the user's, the first group's, the endpoint's, the section's: whichever comes first.</summary>
    /// <returns><see langword="null"/> for reverse traffic that neither a rule nor its endpoint gives a profile: a service behind the gateway may know its clients.</returns>
    public PrivacyProfile? ProfileOf(Exchange exchange)
    {
        if (exchange.PrivacyProfile is { } byRule && _profiles.TryGetValue(byRule, out var profile))
        {
            return profile;
        }

        var isReverse = exchange.WayIn == WayIn.Reverse;
        if (!isReverse && exchange.Account is { } account)
        {
            if (_users.TryGetValue(account.Name, out profile))
            {
                return profile;
            }

            foreach (var (group, ofGroup) in _groups)
            {
                if (account.Groups.Contains(group, StringComparer.Ordinal))
                {
                    return ofGroup;
                }
            }
        }

        if (exchange.Endpoint is { } endpoint && _endpoints.TryGetValue(endpoint, out profile))
        {
            return profile;
        }

        return isReverse ? null : _default;
    }
}

/// <summary>Holds the compiled section and replaces it when the configuration changes.</summary>
internal sealed class PrivacyRuntime : IDisposable
{
    private readonly IDisposable? _subscription;
    private volatile PrivacySnapshot _current;

    public PrivacyRuntime(IOptionsMonitor<PrivacyOptions> options)
    {
        _current = new PrivacySnapshot(options.CurrentValue);
        _subscription = options.OnChange(changed => _current = new PrivacySnapshot(changed));
    }

    public PrivacyProfile? ProfileOf(Exchange exchange) => _current.ProfileOf(exchange);

    public void Dispose() => _subscription?.Dispose();
}
