using System.Security.Claims;

namespace PyProxy.Gateway.Traffic;

/// <summary>What a user's claims are called; whichever scheme told who the user is, policies find the same words.</summary>
internal static class GatewayClaimTypes
{
    public const string Name = ClaimTypes.Name;

    /// <summary>A group is a role to ASP.NET Core, so that <c>RequireRole</c> of an authorization policy means it.</summary>
    public const string Group = ClaimTypes.Role;

    /// <summary>Name of the plan in <c>Gateway:Plans</c>.</summary>
    public const string Plan = "plan";
}
