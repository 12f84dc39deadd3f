using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Users.Schemes;

namespace PyProxy.Gateway.Users.Policies;

/// <summary>The policies of <c>Gateway:Authentication:Policies</c> for the framework and for YARP, which asks here whether a name exists.</summary>
/// <param name="options">Policies that code registers.</param>
/// <param name="configuration">
/// The validated snapshot itself and not the options made from it: both follow a reload in no particular order, and YARP may be the first.
/// </param>
internal sealed class ConfiguredPolicies(IOptions<AuthorizationOptions> options, IConfiguration configuration) : DefaultAuthorizationPolicyProvider(options)
{
    private const string SectionPath = $"{SchemesOptions.SectionPath}:{nameof(SchemesOptions.Policies)}";

    /// <summary>A reload may change them under endpoints that stay.</summary>
    public override bool AllowsCachingPolicies => false;

    public override Task<AuthorizationPolicy?> GetPolicyAsync(string policyName)
    {
        // An empty policy, whose only word is its name, does not "exist" to IConfiguration; it is a child all the same.
        var section = configuration.GetSection(SectionPath).GetChildren().FirstOrDefault(
            child => child.Key.Equals(policyName, StringComparison.OrdinalIgnoreCase));
        return section is not null
            ? Task.FromResult<AuthorizationPolicy?>(
                new RoutePolicy(policyName, section.Get<PolicyOptions>() ?? new PolicyOptions(), new SchemesOptions()).ToAuthorizationPolicy())
            : base.GetPolicyAsync(policyName);
    }
}
