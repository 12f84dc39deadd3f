using System.ComponentModel;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary><c>Gateway:Authentication</c>: the ways to prove who one is. Where users live is said in <c>Gateway:Users</c>.</summary>
internal sealed class SchemesOptions
{
    public const string SectionPath = "Gateway:Authentication";

    [Description("Whether credentials that the gateway took go on to the origin of a reverse route (the Authorization field, an API key's field). "
        + "What the gateway did not ask for always goes on, Proxy-Authorization never. A policy may say otherwise for its routes. Default: false.")]
    public bool ForwardCredentials { get; init; }

    [Description("Where API keys stand in a request. They are taken only where an endpoint or a policy lists the scheme ApiKey.")]
    public ApiKeyOptions ApiKey { get; init; } = new();

    [Description("JSON Web Tokens, as Authorization: Bearer and Proxy-Authorization: Bearer.")]
    public BearerOptions Bearer { get; init; } = new();

    [Description("Which client certificates belong to which users; the first that fits counts. Default: none.")]
    public IReadOnlyList<ClientCertificateOptions> ClientCertificates { get; init; } = [];

    [Description("Which client addresses belong to which users, for machines that cannot log in; the first that fits counts. Default: none.")]
    public IReadOnlyList<ClientAddressOptions> ClientAddresses { get; init; } = [];

    [Description("Authorization policies by name, for AuthorizationPolicy of YARP's routes. Default: none.")]
    public IReadOnlyDictionary<string, PolicyOptions> Policies { get; init; } = new Dictionary<string, PolicyOptions>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>Where API keys stand in a request.</summary>
internal sealed class ApiKeyOptions
{
    [Description("Name of the field. Default: X-Api-Key.")]
    public string Header { get; init; } = "X-Api-Key";

    [Description("Name of a query parameter that may hold a key too. Queries end up in logs and histories of others; the gateway takes the parameter out "
        + "before it sends the request on. Default: none, no keys in queries.")]
    public string? Query { get; init; }
}

/// <summary>Who issues tokens that are accepted.</summary>
internal sealed class BearerOptions
{
    [Description("Issuers by a name of your choice. Default: none, no tokens are accepted.")]
    public IReadOnlyDictionary<string, IssuerOptions> Issuers { get; init; } = new Dictionary<string, IssuerOptions>(StringComparer.OrdinalIgnoreCase);

    [Description("How long a verified token is remembered before its signature is verified again, 00:00:00 (never) to 01:00:00 and not beyond its expiry. "
        + "New signing keys, and a change of the issuer's settings, forget its tokens. Default: 00:01:00.")]
    public TimeSpan CacheDuration { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>One issuer of tokens.</summary>
internal sealed class IssuerOptions
{
    [Description("What the claim iss must say, to the letter. Required.")]
    public string Issuer { get; init; } = "";

    [Description("One of these must be in the claim aud. Required.")]
    public IReadOnlyList<string> Audiences { get; init; } = [];

    [Description("http or https URL of the issuer's JSON Web Key Set (RFC 7517). This or JwksFile is required.")]
    public string? JwksUrl { get; init; }

    [Description("File with the issuer's JSON Web Key Set.")]
    public string? JwksFile { get; init; }

    [Description("After how long keys are read anew, 00:01:00 to 7.00:00:00. A token with an unknown key reads them at once, at most every 10 s. Default: 01:00:00.")]
    public TimeSpan KeyRefresh { get; init; } = TimeSpan.FromHours(1);

    [Description("Signature algorithms that are accepted, of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512. Default: all of these.")]
    public IReadOnlyList<string> Algorithms { get; init; } = [];

    [Description("By how much clocks may differ, 00:00:00 to 00:10:00. Default: 00:00:30.")]
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    [Description("The claim that names the user. Default: sub.")]
    public string UserClaim { get; init; } = "sub";

    [Description("The claim that lists the user's groups: an array or one word. Default: none.")]
    public string? GroupsClaim { get; init; }

    [Description("The claim that names the user's plan. Default: none.")]
    public string? PlanClaim { get; init; }

    [Description("Plan of users whose token names none. Default: none.")]
    public string? Plan { get; init; }

    [Description("true lets in only users whom one of the stores knows; groups and plan are then the store's. Default: false, the token is enough.")]
    public bool RequireAccount { get; init; }
}

/// <summary>Whose a client certificate is. One of Thumbprint, Subject and San is required.</summary>
internal sealed class ClientCertificateOptions
{
    [Description("SHA-1 or SHA-256 of the certificate in hexadecimal; colons are ignored.")]
    public string? Thumbprint { get; init; }

    [Description("The subject, such as \"CN=build, O=Example\": all of it, in the certificate's order.")]
    public string? Subject { get; init; }

    [Description("One of the subject's alternative names with its kind: \"DNS:host.example\", \"email:a@example.org\", \"URI:spiffe://example/build\" or \"IP:10.0.0.1\".")]
    public string? San { get; init; }

    [Description("Name of the user. Required.")]
    public string User { get; init; } = "";
}

/// <summary>Whose an address is.</summary>
internal sealed class ClientAddressOptions
{
    [Description("An address or a network in CIDR notation. Required.")]
    public string Range { get; init; } = "";

    [Description("Name of the user. Required.")]
    public string User { get; init; } = "";
}

/// <summary>An authorization policy.</summary>
internal sealed class PolicyOptions
{
    [Description("The ways to prove who one is that the route takes, of those that are open at the endpoint. Default: what the endpoint takes.")]
    public IReadOnlyList<UserScheme> Schemes { get; init; } = [];

    [Description("Names of users who may pass. Default: every known user.")]
    public IReadOnlyList<string> Users { get; init; } = [];

    [Description("Groups of which the user has to be in one. Default: no group is needed.")]
    public IReadOnlyList<string> Groups { get; init; } = [];

    [Description("Claims that the user has to have, by type, each with one of the values listed. Default: none is needed.")]
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Claims { get; init; } = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    [Description("Name of the field for API keys on the policy's routes. Default: that of Gateway:Authentication:ApiKey.")]
    public string? ApiKeyHeader { get; init; }

    [Description("Name of the query parameter for API keys on the policy's routes. Default: that of Gateway:Authentication:ApiKey.")]
    public string? ApiKeyQuery { get; init; }

    [Description("Whether credentials that the gateway took go on to the origin. Default: Gateway:Authentication:ForwardCredentials.")]
    public bool? ForwardCredentials { get; init; }
}
