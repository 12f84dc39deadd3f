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
    private readonly TimeSpan _remembered;
    private readonly TokenCache _cache;
    private readonly IUserLookup _users;

    /// <param name="options">The configuration.</param>
    /// <param name="issuerOf">Makes an issuer, or finds the one that has been made of the same settings.</param>
    /// <param name="cache">What is remembered; outlives the configuration.</param>
    /// <param name="users">For issuers that demand an account.</param>
    public BearerTokens(BearerOptions options, Func<IssuerOptions, Issuer> issuerOf, TokenCache cache, IUserLookup users)
    {
        _issuers = options.Issuers.Values.ToFrozenDictionary(static issuer => issuer.Issuer, issuerOf, StringComparer.Ordinal);
        _remembered = options.CacheDuration;
        _cache = cache;
        _users = users;
    }

    public IEnumerable<Issuer> Issuers => _issuers.Values;

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
        if (!_cache.TryFind(digest, _remembered, out var user, out var issuer))
        {
            return new(ValidateAsync(digest, token.ToString(), cancellationToken));
        }

        // The token is as good as ever, but its user may have been disabled or changed meanwhile; the stores' answer is remembered too.
        return issuer.RequireAccount ? FindAccountAsync(user.Name, cancellationToken) : new(Proof.Of(UserScheme.Bearer, user));
    }

    private ValueTask<Proof> FindAccountAsync(string userName, CancellationToken cancellationToken)
    {
        var found = _users.FindAsync(userName, cancellationToken);
        return found.IsCompletedSuccessfully ? new(ProofOf(found.Result, userName)) : new(AwaitAsync(found, userName));

        static async Task<Proof> AwaitAsync(ValueTask<KnownUser?> found, string userName) => ProofOf(await found, userName);

        static Proof ProofOf(KnownUser? user, string userName) => user is not null
            ? Proof.Of(UserScheme.Bearer, user)
            : Proof.Rejected(UserScheme.Bearer, "its user is unknown or disabled") with { UserName = userName };
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
        if (issuer.UserOf(result.ClaimsIdentity) is not { } user)
        {
            return Proof.Rejected(UserScheme.Bearer, "names no user");
        }

        _cache.Remember(digest, user, issuer, keys, new DateTimeOffset(token.ValidTo, TimeSpan.Zero));
        return issuer.RequireAccount ? await FindAccountAsync(user.Name, cancellationToken) : Proof.Of(UserScheme.Bearer, user);
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
