using Microsoft.AspNetCore.Routing.Matching;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>
/// Splits routing by listener role: endpoints with <see cref="ListenerRoleMetadata"/> exist only on listeners of their roles, all others
/// (YARP's routes) only on Reverse listeners.
/// </summary>
/// <remarks>
/// It branches routing's tree instead of striking candidates at the end (<see cref="IEndpointSelectorPolicy"/>): the framework's 405 for a
/// wrong method is made while the tree is built, and would tell on one role what is mapped on another.
/// </remarks>
internal sealed class ListenerRoleMatcherPolicy : MatcherPolicy, INodeBuilderPolicy
{
    /// <summary>Before the framework's policy for methods, which has -1000.</summary>
    public override int Order => -10_000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Count > 0;

    public IReadOnlyList<PolicyNodeEdge> GetEdges(IReadOnlyList<Endpoint> endpoints)
    {
        var edges = new List<PolicyNodeEdge>();
        foreach (var role in Enum.GetValues<ListenerRole>())
        {
            var members = endpoints.Where(e => IsOn(e, role)).ToList();
            if (members.Count > 0)
            {
                edges.Add(new PolicyNodeEdge(role, members));
            }
        }

        return edges;
    }

    public PolicyJumpTable BuildJumpTable(int exitDestination, IReadOnlyList<PolicyJumpTableEdge> edges)
    {
        var destinations = new int[Enum.GetValues<ListenerRole>().Length];
        Array.Fill(destinations, exitDestination);
        foreach (var edge in edges)
        {
            destinations[(int)(ListenerRole)edge.State] = edge.Destination;
        }

        return new RoleJumpTable(destinations);
    }

    private static bool IsOn(Endpoint endpoint, ListenerRole role)
    {
        var roles = endpoint.Metadata.GetOrderedMetadata<ListenerRoleMetadata>();
        return roles.Count == 0 ? role == ListenerRole.Reverse : roles.Any(r => r.Role == role);
    }

    private sealed class RoleJumpTable(int[] destinations) : PolicyJumpTable
    {
        public override int GetDestination(HttpContext httpContext)
            => destinations[(int)(httpContext.Features.Get<IListenerFeature>()?.Role ?? ListenerRole.Reverse)];
    }
}
