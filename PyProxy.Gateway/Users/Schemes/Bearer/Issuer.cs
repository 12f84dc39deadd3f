using System.Security.Claims;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>
/// An issuer of tokens: what its tokens must say, and whom they name. The same object as long as its configuration is the same, so that a reload
/// of other things forgets no token.
/// </summary>
internal sealed class Issuer(IssuerOptions options, SigningKeys keys, TimeProvider time)
{
    private const int MaxNameLength = 128;
    private const int MaxGroups = 256;
    private const int MaxClaims = 64; // of one token; more would only cost memory for each of its requests

    private readonly string[] _algorithms = options.Algorithms.Count > 0 ? [.. options.Algorithms] : [.. SigningAlgorithms.All];
    private volatile bool _isReplaced;

    public string Name => options.Issuer;

    /// <summary>Everything that the configuration says of it.</summary>
    public string Settings { get; } = SettingsOf(options);

    /// <summary>Whether a reload has put another in its place: what was verified under it no longer counts.</summary>
    public bool IsReplaced
    {
        get => _isReplaced;
        set => _isReplaced = value;
    }

    public SigningKeys Keys { get; } = keys;

    public TimeSpan KeyRefresh => options.KeyRefresh;

    public bool RequireAccount => options.RequireAccount;

    /// <summary>The same text for the same settings, including those that will be added one day.</summary>
    public static string SettingsOf(IssuerOptions options) => JsonSerializer.Serialize(options);

    public TokenValidationParameters ParametersFor(KeySet keySet) => new()
    {
        ValidIssuer = options.Issuer,
        ValidAudiences = options.Audiences,
        IssuerSigningKeys = keySet.Keys,
        ValidAlgorithms = _algorithms,
        RequireSignedTokens = true, // "alg": "none"
        RequireExpirationTime = true,
        LifetimeValidator = IsInForce,
    };

    /// <summary>Whom a token names; <see langword="null"/> where it names nobody who could be a user.</summary>
    public KnownUser? UserOf(ClaimsIdentity claims)
    {
        var name = claims.FindFirst(options.UserClaim)?.Value;
        if (name is null || name.Length is 0 or > MaxNameLength || name.AsSpan().ContainsAnyInRange('\0', '\x1F') || name.Contains('\x7F', StringComparison.Ordinal))
        {
            return null;
        }

        var groups = options.GroupsClaim is { } groupsClaim
            ? claims.FindAll(groupsClaim).Select(static claim => claim.Value).Where(static group => group.Length > 0).Take(MaxGroups).ToArray()
            : [];
        var plan = options.PlanClaim is { } planClaim ? claims.FindFirst(planClaim)?.Value : null;

        // The gateway's own words mean what its configuration says, not what a token happens to call so.
        var others = claims.Claims
            .Where(static claim => claim.Type is not (GatewayClaimTypes.Name or GatewayClaimTypes.Group or GatewayClaimTypes.Plan))
            .Take(MaxClaims);
        return new KnownUser(name, groups, plan ?? options.Plan, others);
    }

    private bool IsInForce(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        // The skew is put on our own clock: on a token's times, which go from the first year to the last, it would overflow.
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now - options.ClockSkew < end && (notBefore is not { } begin || now + options.ClockSkew >= begin);
    }
}
