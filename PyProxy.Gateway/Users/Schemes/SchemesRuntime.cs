using Microsoft.Extensions.Options;
using PyProxy.Gateway.Users.Schemes.Bearer;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>The schemes' configuration in force. Signing keys and verified tokens outlive a reload that does not concern their issuer.</summary>
internal sealed class SchemesRuntime : IDisposable
{
    private readonly IUserLookup _users;
    private readonly IKeySetReader _keySets;
    private readonly UsersMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<SigningKeys> _keysLogger;
    private readonly Lock _building = new();
    private readonly IDisposable? _subscription;
    private readonly TokenCache _tokens;
    private Dictionary<string, SigningKeys> _keys = new(StringComparer.Ordinal);
    private Dictionary<string, Issuer> _issuers = new(StringComparer.Ordinal);
    private volatile SchemeTable _current;

    public SchemesRuntime(
        IOptionsMonitor<SchemesOptions> options,
        IUserLookup users,
        IKeySetReader keySets,
        UsersMetrics metrics,
        TimeProvider time,
        ILogger<SigningKeys> keysLogger)
    {
        _users = users;
        _keySets = keySets;
        _metrics = metrics;
        _time = time;
        _keysLogger = keysLogger;
        _tokens = new TokenCache(time);
        _current = Build(options.CurrentValue);
        _subscription = options.OnChange((changed, _) => _current = Build(changed));
    }

    public SchemeTable Current => _current;

    public void Dispose() => _subscription?.Dispose();

    private SchemeTable Build(SchemesOptions options)
    {
        lock (_building)
        {
            var keys = new Dictionary<string, SigningKeys>(StringComparer.Ordinal);
            var tokens = new BearerTokens(options.Bearer, IssuerOf, _tokens, _users);
            _keys = keys;
            var issuers = tokens.Issuers.ToDictionary(static issuer => issuer.Name, StringComparer.Ordinal);
            foreach (var (name, issuer) in _issuers)
            {
                issuer.IsReplaced = !ReferenceEquals(issuers.GetValueOrDefault(name), issuer);
            }

            _issuers = issuers;
            return new SchemeTable(options, tokens);

            Issuer IssuerOf(IssuerOptions issuer)
            {
                var signingKeys = KeysOf(issuer.JwksUrl ?? issuer.JwksFile ?? "");
                return _issuers.GetValueOrDefault(issuer.Issuer) is { } same && same.Settings == Issuer.SettingsOf(issuer)
                    ? same
                    : new Issuer(issuer, signingKeys, _time);
            }

            SigningKeys KeysOf(string source)
            {
                if (!keys.TryGetValue(source, out var found))
                {
                    keys[source] = found = _keys.GetValueOrDefault(source) ?? new SigningKeys(source, _keySets, _metrics, _time, _keysLogger);
                }

                return found;
            }
        }
    }
}
