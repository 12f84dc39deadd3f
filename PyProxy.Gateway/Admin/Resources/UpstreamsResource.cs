using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Egress.Upstreams;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>Egress profiles with a pool of upstream proxies, and how those are.</summary>
internal static class UpstreamsResource
{
    public static void Map(IEndpointRouteBuilder api)
        => api.MapGet("/upstreams", static ([FromServices] EgressRuntime egress) => egress.Current.Profiles.Values
                .Where(static profile => profile.Upstreams is not null).OrderBy(static profile => profile.Name, StringComparer.Ordinal).Select(Describe).ToList())
            .WithTags("Upstreams")
            .WithSummary("Upstream proxies by egress profile: health, and what they carry.");

    private static Pool Describe(EgressProfile profile)
    {
        var pool = profile.Upstreams!;
        return new Pool(profile.Name, pool.Options.Selection, [.. pool.Proxies.Select(static proxy => new Upstream(
            proxy.Name,
            SecretRedaction.Text(proxy.Options.Address),
            proxy.Health.IsIn,
            Math.Round(proxy.Health.Remaining.TotalSeconds, 1),
            proxy.Options.TrustedToResolve,
            proxy.Weight,
            proxy.Health.InUse,
            proxy.Health.Taken,
            proxy.Health.Failed,
            proxy.Health.LastFailure))]);
    }

    internal sealed record Pool(string Profile, UpstreamSelection Selection, IReadOnlyList<Upstream> Proxies);

    /// <param name="Name">In the configuration.</param>
    /// <param name="Address">Its URL.</param>
    /// <param name="In">Whether exchanges go there.</param>
    /// <param name="OutForSeconds">How long failures of traffic still keep it out; failed checks keep it out until one succeeds.</param>
    /// <param name="TrustedToResolve">Whether it is handed names.</param>
    /// <param name="Weight">Its share.</param>
    /// <param name="InUse">Requests and tunnels under way.</param>
    /// <param name="Taken">How often it was chosen since it is known.</param>
    /// <param name="Failed">How often it failed those.</param>
    /// <param name="LastFailure">What went wrong last, in traffic or a check.</param>
    internal sealed record Upstream(
        string Name,
        string Address,
        bool In,
        double OutForSeconds,
        bool TrustedToResolve,
        int Weight,
        int InUse,
        long Taken,
        long Failed,
        string? LastFailure);
}
