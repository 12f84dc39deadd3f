using System.Collections.Frozen;
using PyProxy.Gateway.Users.Policies;
using PyProxy.Gateway.Users.Schemes.ApiKeys;
using PyProxy.Gateway.Users.Schemes.Bearer;
using PyProxy.Gateway.Users.Schemes.Certificates;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>One configuration of <c>Gateway:Authentication</c>, compiled; swapped whole.</summary>
internal sealed class SchemeTable(SchemesOptions options, BearerTokens tokens)
{
    public BearerTokens Tokens { get; } = tokens;

    public ClientCertificates Certificates { get; } = new(options.ClientCertificates);

    public ClientAddresses Addresses { get; } = new(options.ClientAddresses);

    public ApiKeyField KeyField { get; } = new(options.ApiKey.Header, options.ApiKey.Query);

    public bool ForwardCredentials { get; } = options.ForwardCredentials;

    public FrozenDictionary<string, RoutePolicy> Policies { get; } = options.Policies.ToFrozenDictionary(
        policy => policy.Key, policy => new RoutePolicy(policy.Key, policy.Value, options), StringComparer.OrdinalIgnoreCase);
}
