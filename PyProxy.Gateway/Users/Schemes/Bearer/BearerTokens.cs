using System.Buffers.Text;
using System.Collections.Frozen;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>Verifies tokens of the configured issuers. Built anew with each configuration; the keys of unchanged sources are taken along.</summary>
internal sealed class BearerTokens
{
    private const int MaxLength = 16 * 1024;

    private static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = MaxLength };

    private readonly FrozenDictionary<string, Issuer> _issuers;
    private readonly TokenCache _cache;
    private readonly IUserLookup _users;

    public BearerTokens(BearerOptions options, Func<string, SigningKeys> keysOf, IUserLookup users, TimeProvider time)
    {
        _issuers = options.Issuers.Values.ToFrozenDictionary(
            issuer => issuer.Issuer,
            issuer => new Issuer(issuer, keysOf(issuer.JwksUrl ?? issuer.JwksFile ?? ""), time),
            StringComparer.Ordinal);
        _cache = new TokenCache(options.CacheDuration, time);
        _users = users;
    }

    public bool Any => _issuers.Count > 0;

    /// <exception cref="ProxyException">The issuer's keys cannot be had, so that nobody can say whether the token is good.</exception>
    public ValueTask<Proof> VerifyAsync(string field, CancellationToken cancellationToken)
    {
        var token = field.AsSpan(AuthorizationField.Bearer.Length).Trim(' ');
        if (!LooksLikeToken(token))
        {
            return new(Proof.Malformed(UserScheme.Bearer));
        }

        var digest = TokenCache.DigestOf(token);
        return _cache.Find(digest) is { } user
            ? new(Proof.Of(UserScheme.Bearer, user))
            : new(ValidateAsync(digest, token.ToString(), cancellationToken));
    }

    /// <summary>Three parts of base64url: what is anything else need not trouble a parser that throws.</summary>
    private static bool LooksLikeToken(ReadOnlySpan<char> token)
    {
        if (token.Length is 0 or > MaxLength || token.Count('.') != 2)
        {
            return false;
        }

        foreach (var part in token.Split('.'))
        {
            if (!Base64Url.IsValid(token[part]))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<Proof> ValidateAsync(TokenCache.Digest digest, string text, CancellationToken cancellationToken)
    {
        // 1. Who says to have issued it
        JsonWebToken token;
        try
        {
            token = new JsonWebToken(text);
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException)
        {
            return Proof.Malformed(UserScheme.Bearer);
        }

        if (!_issuers.TryGetValue(token.Issuer, out var issuer))
        {
            return Proof.Rejected(UserScheme.Bearer, "unknown issuer");
        }

        // 2. Whether it has. The key may be newer than what is known of the issuer; of which kind the library says that it misses it differs.
        var keys = await issuer.Keys.GetAsync(issuer.KeyRefresh, cancellationToken) ?? throw NoKeys();
        var result = await Handler.ValidateTokenAsync(token, issuer.ParametersFor(keys));
        if (result.Exception is SecurityTokenInvalidSignatureException
            && await issuer.Keys.ReadAgainAsync(cancellationToken) is { } renewed && !ReferenceEquals(renewed, keys))
        {
            keys = renewed;
            result = await Handler.ValidateTokenAsync(token, issuer.ParametersFor(keys));
        }

        if (!result.IsValid)
        {
            return Proof.Rejected(UserScheme.Bearer, ReasonOf(result.Exception));
        }

        // 3. Who it is
        var user = issuer.UserOf(result.ClaimsIdentity);
        if (user is not null && issuer.RequireAccount)
        {
            user = await _users.FindAsync(user.Name, cancellationToken);
        }

        if (user is null)
        {
            return Proof.Rejected(UserScheme.Bearer, "names no user");
        }

        _cache.Remember(digest, user, issuer, keys, new DateTimeOffset(token.ValidTo, TimeSpan.Zero));
        return Proof.Of(UserScheme.Bearer, user);
    }

    private static ProxyException NoKeys() => new(new ProxyError(
        StatusCodes.Status503ServiceUnavailable, "proxy_internal_error", Fault.Gateway, "The keys that tokens are verified with are not to be had at the moment.")
    {
        RetryAfter = TimeSpan.FromSeconds(10),
    });

    /// <summary>For the log: of what kind the fault is, and nothing that stands in the token.</summary>
    private static string ReasonOf(Exception? exception) => exception switch
    {
        SecurityTokenExpiredException or SecurityTokenInvalidLifetimeException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException
            => "expired or not yet valid",
        SecurityTokenInvalidAudienceException => "wrong audience",
        SecurityTokenInvalidIssuerException => "wrong issuer",
        SecurityTokenInvalidAlgorithmException => "algorithm not accepted",
        SecurityTokenSignatureKeyNotFoundException => "unknown key",
        SecurityTokenInvalidSignatureException => "bad or missing signature",
        _ => "not valid",
    };
}
