using System.Text;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Schemes.Bearer;

namespace PyProxy.Gateway.Tests.Users.Schemes;

/// <summary>Whatever a stranger sends as credentials: the right status, counted, nothing thrown, nothing in the log in clear.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Secret = "0pen-sesame";

    private readonly TokenIssuer _issuer = new();

    public static TheoryData<string, string> Cases => new()
    {
        { "malformed base64", "malformed" },
        { "no base64 at all", "malformed" },
        { "nothing behind the scheme", "malformed" },
        { "missing colon", "malformed" },
        { "no name", "malformed" },
        { "colon in a wrong password", "rejected" },
        { "unknown name", "rejected" },
        { "wrong password", "rejected" },
        { "control character in the name", "malformed" },
        { "invalid UTF-8", "malformed" },
        { "NUL", "malformed" },
        { "16 KB of credentials", "malformed" },
        { "unknown scheme", "unsupported" },
        { "a scheme's name with more behind it", "unsupported" },
        { "two fields", "malformed" },
        { "two fields of two schemes", "malformed" },
        { "token of two parts", "malformed" },
        { "token of other characters", "malformed" },
        { "token whose parts are no JSON", "malformed" },
        { "expired token", "rejected" },
        { "unsigned token", "rejected" },
        { "token without its signature", "rejected" },
        { "token with another's signature", "rejected" },
        { "token signed with the public key as secret", "rejected" },
        { "wrong audience", "rejected" },
        { "wrong issuer", "rejected" },
        { "token for nobody", "rejected" },
        { "token for a name with a line break", "rejected" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public Task OnAProxy_IsAnswered407AndCounted(string what, string outcome) => CheckAsync(ListenerRole.Forward, "Proxy-Authorization", what, outcome);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task OnARoute_IsAnswered401AndCounted(string what, string outcome)
        => CheckAsync(ListenerRole.Reverse, "Authorization", what, outcome == "unsupported" ? null : outcome); // it may be meant for the origin

    [Theory]
    [InlineData("Proxy-Authorization")]
    [InlineData("Authorization")]
    public async Task SixtyFourKilobytes_AreTooMuchForAnyHead(string field)
    {
        await using var gateway = await StartAsync(field == "Authorization" ? ListenerRole.Reverse : ListenerRole.Forward);
        var answer = await gateway.ExchangeRawAsync($"GET / HTTP/1.1\r\nHost: a\r\n{field}: Basic {Encode("alice:" + new string('x', 65_536))}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 431 ", answer, StringComparison.Ordinal); // Kestrel's bound, before anything of ours runs
    }

    public void Dispose() => _issuer.Dispose();

    private async Task CheckAsync(ListenerRole role, string field, string what, string? outcome)
    {
        await using var gateway = await StartAsync(role);
        using var attempts = SchemesGateway.Attempts(gateway);
        var fields = string.Concat(ValuesOf(what).Select(value => $"{field}: {value}\r\n"));

        var answer = await gateway.ExchangeRawAsync($"GET / HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n");

        Assert.StartsWith(role == ListenerRole.Forward ? "HTTP/1.1 407 " : "HTTP/1.1 401 ", answer, StringComparison.Ordinal);
        Assert.Contains(role == ListenerRole.Forward ? "\r\nProxy-Authenticate: Basic realm=" : "\r\nWWW-Authenticate: Basic realm=", answer, StringComparison.Ordinal);
        Assert.Equal(Verdict.Unauthenticated, gateway.LastExchange!.Verdict);
        Assert.Null(gateway.LastExchange.User);
        Assert.Equal(outcome is null ? [] : [outcome], attempts.GetMeasurementSnapshot().Select(m => m.Tags["outcome"]));
        foreach (var record in gateway.Logs.GetSnapshot())
        {
            Assert.True(record.Level < LogLevel.Warning, record.Message);
            Assert.Null(record.Exception);
            Assert.DoesNotContain(Secret, record.Message, StringComparison.Ordinal);
            Assert.All(ValuesOf(what), value => Assert.DoesNotContain(CredentialsIn(value), record.Message, StringComparison.Ordinal));
            Assert.False(record.Category!.StartsWith("PyProxy", StringComparison.Ordinal) && record.Message.Contains('\n', StringComparison.Ordinal), record.Message);
        }
    }

    private string[] ValuesOf(string what) => what switch
    {
        "malformed base64" => ["Basic " + Encode($"alice:{Secret}")[..^3]],
        "no base64 at all" => ["Basic !!!!"],
        "nothing behind the scheme" => ["Basic"],
        "missing colon" => ["Basic " + Encode(Secret)],
        "no name" => ["Basic " + Encode($":{Secret}")],
        "colon in a wrong password" => ["Basic " + Encode($"alice:{Secret}:{Secret}")],
        "unknown name" => ["Basic " + Encode($"bob:{Secret}")],
        "wrong password" => ["Basic " + Encode($"alice:{Secret}")],
        "control character in the name" => ["Basic " + Encode($"al\r\nice:{Secret}")],
        "invalid UTF-8" => ["Basic " + Convert.ToBase64String([.. "alice:"u8, 0xFF, 0xFE])],
        "NUL" => ["Basic " + Encode($"alice:{Secret}\0")],
        "16 KB of credentials" => ["Basic " + Encode($"alice:{new string('x', 12 * 1024)}")],
        "unknown scheme" => ["Digest username=\"alice\", response=\"" + Secret + "\""],
        "a scheme's name with more behind it" => ["Basically " + Encode($"alice:{Secret}")],
        "two fields" => [SchemesGateway.Basic("alice:se:cret"), SchemesGateway.Basic("alice:se:cret")],
        "two fields of two schemes" => [SchemesGateway.Basic("alice:se:cret"), "Bearer " + Token()],
        "token of two parts" => ["Bearer " + Token()[..Token().LastIndexOf('.')]],
        "token of other characters" => ["Bearer a.b!.c"],
        "token whose parts are no JSON" => ["Bearer " + string.Join('.', "abcd", "efgh", "ijkl")],
        "expired token" => ["Bearer " + _issuer.Issue(expires: DateTime.UnixEpoch.AddYears(1))],
        "unsigned token" => ["Bearer " + TokenIssuer.Unsigned()],
        "token without its signature" => ["Bearer " + Token()[..(Token().LastIndexOf('.') + 1)]],
        "token with another's signature" => ["Bearer " + Forged()],
        "token signed with the public key as secret" => ["Bearer " + _issuer.SignedWithThePublicKey()],
        "wrong audience" => ["Bearer " + _issuer.Issue(audience: "others")],
        "wrong issuer" => ["Bearer " + _issuer.Issue(issuer: "https://other.test")],
        "token for nobody" => ["Bearer " + _issuer.Issue(user: null)],
        "token for a name with a line break" => ["Bearer " + _issuer.Issue(user: "al\r\nice")],
        _ => throw new ArgumentOutOfRangeException(nameof(what), what, message: null),
    };

    private static string CredentialsIn(string value) => value.Contains(' ', StringComparison.Ordinal) ? value[(value.IndexOf(' ', StringComparison.Ordinal) + 1)..] : "\0";

    private string Token() => _issuer.Issue();

    private string Forged()
    {
        using var other = new TokenIssuer(); // calls its key the same
        return other.Issue();
    }

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private Task<MiniGateway> StartAsync(ListenerRole role) => SchemesGateway.StartAsync(
        role,
        [
            ("Gateway:Authentication:Bearer:Issuers:test:Issuer", TokenIssuer.Name),
            ("Gateway:Authentication:Bearer:Issuers:test:Audiences:0", TokenIssuer.Audience),
            ("Gateway:Authentication:Bearer:Issuers:test:JwksFile", "unused"),
        ],
        services: services => services.AddSingleton<IKeySetReader>(new FixedKeys(_issuer)));

    private sealed class FixedKeys(TokenIssuer issuer) : IKeySetReader
    {
        public Task<IReadOnlyList<Microsoft.IdentityModel.Tokens.SecurityKey>> ReadAsync(string source, CancellationToken cancellationToken)
            => Task.FromResult<IReadOnlyList<Microsoft.IdentityModel.Tokens.SecurityKey>>(
                [.. new Microsoft.IdentityModel.Tokens.JsonWebKeySet(issuer.KeySet()).GetSigningKeys()]);
    }
}
