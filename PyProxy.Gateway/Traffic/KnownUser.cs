using System.Security.Claims;

namespace PyProxy.Gateway.Traffic;

/// <summary>
/// Who asks, once it is known: what every policy reads, without searching claims. One object per user, shared by all requests of the user;
/// nobody changes it.
/// </summary>
internal sealed class KnownUser
{
    /// <param name="name">The user's name; case-sensitive.</param>
    /// <param name="groups">Groups that the user belongs to; roles to ASP.NET Core.</param>
    /// <param name="plan">Name of the user's plan in <c>Gateway:Plans</c>.</param>
    /// <param name="claims">Further claims, for authorization policies of routes.</param>
    public KnownUser(string name, IReadOnlyList<string> groups, string? plan, params IEnumerable<Claim> claims)
    {
        Name = name;
        Groups = groups;
        Plan = plan;
        List<Claim> all = [new(GatewayClaimTypes.Name, name), .. groups.Select(group => new Claim(GatewayClaimTypes.Group, group)), .. claims];
        if (plan is not null)
        {
            all.Add(new Claim(GatewayClaimTypes.Plan, plan));
        }

        Principal = new ClaimsPrincipal(new ClaimsIdentity(all, "PyProxy.Gateway", GatewayClaimTypes.Name, GatewayClaimTypes.Group));
    }

    public string Name { get; }

    public IReadOnlyList<string> Groups { get; }

    /// <summary><see langword="null"/> where the user has no plan.</summary>
    public string? Plan { get; }

    /// <summary>Name of the user's profile in <c>Gateway:Egress:Profiles</c>; <see langword="null"/> where the user has none.</summary>
    public string? EgressProfile { get; init; }

    /// <summary>The same as ASP.NET Core knows it.</summary>
    public ClaimsPrincipal Principal { get; }
}
