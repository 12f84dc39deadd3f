using Microsoft.Extensions.Options;
using PyProxy.Gateway.Users.Schemes.Bearer;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>The schemes' configuration in force. What was read of signing keys outlives a reload that does not concern it.</summary>
internal sealed class SchemesRuntime : IDisposable
{
    private readonly IUserLookup _users;
    private readonly IKeySetReader _keySets;
    private readonly UsersMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<SigningKeys> _keysLogger;
    private readonly Lock _building = new();
    private readonly IDisposable? _subscription;
    private Dictionary<string, SigningKeys> _keys = new(StringComparer.Ordinal);
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
            var tokens = new BearerTokens(options.Bearer, KeysOf, _users, _time);
            _keys = keys;
            return new SchemeTable(options, tokens);

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
