using System.Collections.Frozen;
using Microsoft.AspNetCore.Authorization;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Schemes;
using PyProxy.Gateway.Users.Schemes.ApiKeys;

namespace PyProxy.Gateway.Users.Policies;

/// <summary>
/// An authorization policy of the configuration, compiled: who may pass, and by which schemes one says who one is. It judges a known user without the
/// framework's evaluator, and as the framework's own requirements would.
/// </summary>
internal sealed class RoutePolicy
{
    private readonly PolicyOptions _options;
    private readonly FrozenSet<string>? _users;
    private readonly FrozenSet<string>? _groups;
    private readonly (string Type, FrozenSet<string> Values)[] _claims;

    public RoutePolicy(string name, PolicyOptions options, SchemesOptions defaults)
    {
        Name = name;
        _options = options;
        _users = options.Users.Count > 0 ? options.Users.ToFrozenSet(StringComparer.Ordinal) : null;
        _groups = options.Groups.Count > 0 ? options.Groups.ToFrozenSet(StringComparer.Ordinal) : null;
        _claims = [.. options.Claims.Select(static claim => (claim.Key, claim.Value.ToFrozenSet(StringComparer.Ordinal)))];
        Schemes = options.Schemes.Count > 0 ? UserSchemeSet.Of(options.Schemes) : null;
        KeyField = new ApiKeyField(options.ApiKeyHeader ?? defaults.ApiKey.Header, options.ApiKeyQuery ?? defaults.ApiKey.Query);
        ForwardCredentials = options.ForwardCredentials ?? defaults.ForwardCredentials;
    }

    public string Name { get; }

    /// <summary><see langword="null"/> where the policy leaves it to the endpoint.</summary>
    public UserSchemeSet? Schemes { get; }

    public ApiKeyField KeyField { get; }

    public bool ForwardCredentials { get; }

    public bool Allows(KnownUser user)
    {
        if (_users is not null && !_users.Contains(user.Name))
        {
            return false;
        }

        if (_groups is not null && !IsInAny(user.Groups, _groups))
        {
            return false;
        }

        foreach (var (type, values) in _claims)
        {
            if (!HasClaim(user, type, values))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The same for the framework. It names no schemes: which of them are asked has been decided before, and the framework would ask each anew and
    /// merge what they say.
    /// </summary>
    public AuthorizationPolicy ToAuthorizationPolicy()
    {
        var policy = new AuthorizationPolicyBuilder().RequireAuthenticatedUser();
        if (_options.Users.Count > 0)
        {
            policy.RequireClaim(GatewayClaimTypes.Name, _options.Users);
        }

        if (_options.Groups.Count > 0)
        {
            policy.RequireRole(_options.Groups);
        }

        foreach (var (type, values) in _options.Claims)
        {
            policy.RequireClaim(type, values);
        }

        return policy.Build();
    }

    private static bool IsInAny(IReadOnlyList<string> groups, FrozenSet<string> allowed)
    {
        for (var i = 0; i < groups.Count; i++)
        {
            if (allowed.Contains(groups[i]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasClaim(KnownUser user, string type, FrozenSet<string> values)
    {
        foreach (var claim in user.Principal.Claims)
        {
            if (string.Equals(claim.Type, type, StringComparison.OrdinalIgnoreCase) && values.Contains(claim.Value))
            {
                return true;
            }
        }

        return false;
    }
}
