using System.Collections.Frozen;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace PyProxy.Gateway.Reverse.Policies;

/// <summary>The policies of <c>Gateway:RoutePolicies:Cors</c> for the framework and for YARP, which asks here whether a name exists.</summary>
/// <param name="options">Policies that code registers.</param>
/// <param name="configuration">
/// The validated snapshot itself and not the options made from it: both follow a reload in no particular order, and YARP may be the first.
/// </param>
internal sealed class ConfiguredCorsPolicies(IOptions<Microsoft.AspNetCore.Cors.Infrastructure.CorsOptions> options, IConfiguration configuration) : ICorsPolicyProvider
{
    private readonly DefaultCorsPolicyProvider _registered = new(options);
    private volatile Snapshot _current = Read(configuration);

    public Task<CorsPolicy?> GetPolicyAsync(HttpContext context, string? policyName)
    {
        var current = _current;
        if (current.Changed.HasChanged)
        {
            _current = current = Read(configuration);
        }

        return policyName is not null && current.Policies.TryGetValue(policyName, out var policy)
            ? Task.FromResult<CorsPolicy?>(policy)
            : _registered.GetPolicyAsync(context, policyName);
    }

    private static Snapshot Read(IConfiguration configuration)
    {
        var changed = configuration.GetReloadToken(); // before reading: what changes meanwhile is read again
        var policies = configuration.GetSection(RoutePoliciesOptions.SectionPath).Get<RoutePoliciesOptions>()?.Cors ?? [];
        return new Snapshot(changed, policies.ToFrozenDictionary(
            static pair => pair.Key, static pair => Compile(pair.Value), StringComparer.OrdinalIgnoreCase));
    }

    private static CorsPolicy Compile(CorsOptions options)
    {
        var builder = new CorsPolicyBuilder()
            .WithOrigins([.. options.Origins])
            .WithMethods([.. options.Methods])
            .WithHeaders([.. options.Headers])
            .WithExposedHeaders([.. options.ExposedHeaders])
            .SetIsOriginAllowedToAllowWildcardSubdomains();
        if (options.Credentials)
        {
            builder.AllowCredentials();
        }

        if (options.MaxAge is { } age)
        {
            builder.SetPreflightMaxAge(age);
        }

        return builder.Build();
    }

    private sealed record Snapshot(IChangeToken Changed, FrozenDictionary<string, CorsPolicy> Policies);
}
