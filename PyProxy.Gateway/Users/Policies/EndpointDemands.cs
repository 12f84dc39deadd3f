using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Schemes;
using PyProxy.Gateway.Users.Schemes.ApiKeys;

namespace PyProxy.Gateway.Users.Policies;

/// <summary>What an endpoint's metadata demand of whoever asks, read once and not for every request.</summary>
internal sealed class EndpointDemands
{
    /// <summary>The configuration that it was read under.</summary>
    public required SchemeTable Table { get; init; }

    /// <summary>
    /// Whether it matters who asks, and the endpoint leaves it to us to find out. Where it does not, <c>Authorization</c> is the origin's business;
    /// where it names schemes of its own, theirs.
    /// </summary>
    public bool AsksForUser { get; init; }

    /// <summary>
    /// Whether <see cref="Allows"/> knows all there is to know: nobody is asked for, any known user, or one policy of the configuration. Everything
    /// else that ASP.NET Core allows is the framework's to judge.
    /// </summary>
    public bool IsSimple { get; init; }

    public RoutePolicy? Policy { get; init; }

    public ApiKeyField KeyField => Policy?.KeyField ?? Table.KeyField;

    public bool ForwardCredentials => Policy?.ForwardCredentials ?? Table.ForwardCredentials;

    public bool Allows(KnownUser? user) => !AsksForUser || (user is not null && (Policy is null || Policy.Allows(user)));

    /// <summary>The ways to prove who one is that are open: what both endpoint and policy say, or either, or the default.</summary>
    public UserSchemeSet SchemesAt(IListenerFeature? listener) => (Policy?.Schemes, listener?.Schemes) switch
    {
        ({ } ofPolicy, { } ofListener) => ofPolicy.And(ofListener),
        ({ } ofPolicy, null) => ofPolicy,
        (null, { } ofListener) => ofListener,
        _ => UserSchemeSet.Default,
    };
}

/// <summary>The demands of each endpoint. YARP makes new endpoints with a reload, so none is held.</summary>
internal sealed class DemandsOfEndpoints(SchemesRuntime schemes, IOptions<AuthorizationOptions> options)
{
    private readonly ConditionalWeakTable<Endpoint, EndpointDemands> _known = [];
    private volatile EndpointDemands? _none;

    private bool IsDefaultUnchanged => options.Value.DefaultPolicy is { AuthenticationSchemes.Count: 0, Requirements: [DenyAnonymousAuthorizationRequirement] };

    public EndpointDemands Of(Endpoint? endpoint)
    {
        var table = schemes.Current;
        if (endpoint is null)
        {
            return _none is { } none && ReferenceEquals(none.Table, table) ? none : _none = Read(EndpointMetadataCollection.Empty, table);
        }

        if (!_known.TryGetValue(endpoint, out var demands) || !ReferenceEquals(demands.Table, table))
        {
            demands = Read(endpoint.Metadata, table);
            _known.AddOrUpdate(endpoint, demands);
        }

        return demands;
    }

    private EndpointDemands Read(EndpointMetadataCollection metadata, SchemeTable table)
    {
        var data = metadata.GetOrderedMetadata<IAuthorizeData>();
        var others = metadata.GetMetadata<AuthorizationPolicy>() is not null || metadata.GetMetadata<IAuthorizationRequirementData>() is not null;
        if (metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return new EndpointDemands { Table = table, IsSimple = true };
        }

        if (data.Count == 0 && !others)
        {
            var hasFallback = options.Value.FallbackPolicy is not null;
            return new EndpointDemands { Table = table, AsksForUser = hasFallback, IsSimple = !hasFallback };
        }

        var policies = metadata.GetOrderedMetadata<AuthorizationPolicy>();
        if (data.Any(static d => !string.IsNullOrEmpty(d.AuthenticationSchemes)) || policies.Any(static p => p.AuthenticationSchemes.Count > 0))
        {
            return new EndpointDemands { Table = table };
        }

        var policy = data.Select(d => d.Policy is { } name ? table.Policies.GetValueOrDefault(name) : null).FirstOrDefault(p => p is not null);
        var isPlain = !others && data.Count == 1 && string.IsNullOrEmpty(data[0].Roles);
        return new EndpointDemands
        {
            Table = table,
            AsksForUser = true,
            Policy = policy,
            IsSimple = isPlain && (policy is not null || (string.IsNullOrEmpty(data[0].Policy) && IsDefaultUnchanged)),
        };
    }
}
