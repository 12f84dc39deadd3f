using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace PyProxy.Gateway.Tests.Users;

/// <summary>An issuer of tokens with its JSON Web Key Set, and with keys that can be changed.</summary>
internal sealed class TokenIssuer : IDisposable
{
    public const string Name = "https://issuer.test";
    public const string Audience = "proxy";

    private readonly List<RSA> _keys = [];
    private int _serial;

    public TokenIssuer() => Rotate();

    private RsaSecurityKey Key => new(_keys[^1]) { KeyId = $"key-{_serial}" };

    /// <summary>How often the key set was asked for.</summary>
    public int Reads { get; private set; }

    public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

    /// <summary>From now on another key signs, and the one before is withdrawn.</summary>
    public void Rotate()
    {
        _keys.Add(RSA.Create(2048));
        _serial++;
    }

    public string KeySet()
    {
        var key = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_keys[^1].ExportParameters(includePrivateParameters: false)) { KeyId = Key.KeyId });
        return JsonSerializer.Serialize(new { keys = new[] { new { kty = key.Kty, kid = key.KeyId, n = key.N, e = key.E, use = "sig", alg = "RS256" } } });
    }

    public async Task ServeKeySetAsync(HttpContext context)
    {
        Reads++;
        context.Response.StatusCode = (int)Status;
        await context.Response.WriteAsync(KeySet(), context.RequestAborted);
    }

    public string Issue(
        string? user = "alice",
        string issuer = Name,
        string audience = Audience,
        DateTime? expires = null,
        SigningCredentials? credentials = null,
        IDictionary<string, object>? claims = null)
    {
        var all = claims is null ? [] : new Dictionary<string, object>(claims, StringComparer.Ordinal);
        if (user is not null)
        {
            all["sub"] = user;
        }

        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            Expires = expires ?? DateTime.UnixEpoch.AddYears(200),
            Claims = all,
            SigningCredentials = credentials ?? new SigningCredentials(Key, SecurityAlgorithms.RsaSha256),
        });
    }

    /// <summary>Signed by nobody: <c>"alg": "none"</c>.</summary>
    public static string Unsigned(string user = "alice")
    {
        var payload = JsonSerializer.Serialize(new { iss = Name, aud = Audience, sub = user, exp = 6_000_000_000 });
        return $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{Base64UrlEncoder.Encode(payload)}.";
    }

    /// <summary>The public key taken for a shared secret, which is public too.</summary>
    public string SignedWithThePublicKey()
        => Issue(credentials: new SigningCredentials(
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(_keys[^1].ExportSubjectPublicKeyInfoPem())) { KeyId = Key.KeyId }, SecurityAlgorithms.HmacSha256));

    public void Dispose() => _keys.ForEach(static key => key.Dispose());
}
