using System.Diagnostics;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;
using StackExchange.Redis;

namespace PyProxy.Gateway.State.Redis;

/// <summary>
/// The one connection to Redis, and the circuit in front of it: while Redis is away nobody waits for it. Away means not connected, too slow, or
/// answering with errors (a replica, out of memory, still loading); it ends when a probe that writes has been answered in time.
/// </summary>
internal sealed partial class RedisConnection : IHostedService, IAsyncDisposable
{
    public const string HealthPart = "redis";

    // A probe costs next to nothing, and after an outage every probe's interval is one in which limits are not shared.
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(250);

    private static readonly RedisScript Probe = new("redis.call('SET', KEYS[1], '1', 'PX', 10000) return 1");

    private static readonly Task<RedisResult?> NotAsked = Task.FromResult<RedisResult?>(null);

    private readonly ConfigurationOptions? _endpoint;
    private readonly TimeSpan _timeout;
    private readonly RedisKey[] _probeKey;
    private readonly RedisMetrics _metrics;
    private readonly IHealthSignal _health;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisConnection> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _change = new();
    private ConnectionMultiplexer? _multiplexer;
    private Task _watching = Task.CompletedTask;
    private volatile IDatabase? _usable;
    private bool? _reported;

    public RedisConnection(
        IOptions<SharedStateOptions> options, RedisMetrics metrics, IHealthSignal health, TimeProvider time, ILogger<RedisConnection> logger)
    {
        if (options.Value.Redis is { } text && RedisEndpoint.TryParse(text, out var endpoint))
        {
            _endpoint = endpoint;
        }

        _timeout = options.Value.RedisTimeout;
        Prefix = options.Value.RedisPrefix;
        _probeKey = [$"{Prefix}:probe"];
        _metrics = metrics;
        _health = health;
        _time = time;
        _logger = logger;
    }

    /// <summary>Begins the names of all keys.</summary>
    public string Prefix { get; }

    public bool IsConfigured => _endpoint is not null;

    /// <summary>Whether a call may be tried. False costs nothing and lasts as long as the outage.</summary>
    public bool IsUsable => _usable is not null;

    /// <summary>Whether keys of one script have to lie in one slot. Known once connected.</summary>
    public bool IsCluster { get; private set; }

    /// <summary>Runs a script; the answer is <see langword="null"/> where Redis is away or did not answer in time: whether it ran is then unknown.</summary>
    public Task<RedisResult?> TryEvaluateAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments)
        => _usable is { } database ? TryAsync(database, script, keys, arguments) : NotAsked;

    /// <summary>The names of keys that fit a pattern, of all servers; <see langword="null"/> where Redis is away. Walks over all keys: for the operator only.</summary>
    /// <param name="pattern">As Redis' SCAN takes it.</param>
    /// <param name="most">No more than so many.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<IReadOnlyCollection<RedisKey>?> TryListKeysAsync(string pattern, int most, CancellationToken cancellationToken)
    {
        if (!IsUsable || _multiplexer is not { } multiplexer)
        {
            return null;
        }

        try
        {
            var keys = new HashSet<RedisKey>(); // a scan may say a key twice
            foreach (var server in multiplexer.GetServers())
            {
                if (server is not { IsConnected: true, IsReplica: false })
                {
                    continue;
                }

                await foreach (var key in server.KeysAsync(pattern: pattern, pageSize: 1000).WithCancellation(cancellationToken))
                {
                    if (keys.Count == most)
                    {
                        return keys;
                    }

                    keys.Add(key);
                }
            }

            return keys;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            CallFailed(_logger, e);
            return null;
        }
    }

    /// <summary>The database for what is neither hot nor bounded by the circuit; <see langword="null"/> while Redis is away.</summary>
    public IDatabase? Database => _usable;

    /// <summary>Connects; waits a little, so that a gateway of a healthy fleet serves its first request on shared counters.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_endpoint is null)
        {
            return;
        }

        _multiplexer = await ConnectionMultiplexer.ConnectAsync(_endpoint);
        _multiplexer.ConnectionFailed += (_, failed) => OnConnectionFailed(failed);
        await ProbeAsync(_multiplexer);
        if (!IsUsable)
        {
            Away("not reachable");
        }

        _watching = WatchAsync(_multiplexer, _stopping.Token);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _watching;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _usable = null;
        if (Interlocked.Exchange(ref _multiplexer, null) is { } multiplexer)
        {
            await multiplexer.DisposeAsync();
        }
    }

    private void OnConnectionFailed(ConnectionFailedEventArgs failed)
    {
        if (_multiplexer is { IsConnected: false } && !_stopping.IsCancellationRequested)
        {
            Away($"the connection ended ({failed.FailureType})");
        }
    }

    private async Task<RedisResult?> TryAsync(IDatabase database, RedisScript script, RedisKey[] keys, RedisValue[] arguments)
    {
        Task<RedisResult>? call = null;
        using var span = GatewayTracing.StartChild("redis EVAL", ActivityKind.Client);
        span?.SetTag("db.system.name", "redis").SetTag("db.operation.name", "EVAL");
        var started = _time.GetTimestamp();
        try
        {
            call = database.ScriptEvaluateAsync(script.Text, keys, arguments);
            var answer = await call.WaitAsync(_timeout, _time);
            _metrics.Answered(_time.GetElapsedTime(started));
            return answer;
        }
        catch (TimeoutException)
        {
            Observe(call);
            _metrics.NotAnswered("slow");
            span?.Fail("slow");
            Away("it does not answer in time");
        }
        catch (RedisException e)
        {
            _metrics.NotAnswered("failed");
            span?.Fail("failed");
            Away(e is RedisServerException ? "it answers with errors" : "the connection ended");
            CallFailed(_logger, e);
        }
        catch (ObjectDisposedException)
        {
            // The gateway is going down, and its last requests are decided without Redis.
        }

        return null;
    }

    // The answer may come after nobody waits for it any more; a failure then has been dealt with.
    private static void Observe(Task? call) => _ = call?.ContinueWith(
        static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private async Task WatchAsync(ConnectionMultiplexer multiplexer, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(ProbeInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                if (!IsUsable)
                {
                    await ProbeAsync(multiplexer);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }

    private async Task ProbeAsync(ConnectionMultiplexer multiplexer)
    {
        if (!multiplexer.IsConnected)
        {
            return;
        }

        var database = multiplexer.GetDatabase();
        if (await TryAsync(database, Probe, _probeKey, []) is null)
        {
            return;
        }

        IsCluster = Array.Exists(multiplexer.GetServers(), static server => server.ServerType == ServerType.Cluster);
        lock (_change)
        {
            if (_usable is not null)
            {
                return;
            }

            Report(connected: true);
            _usable = database;
        }

        _health.Restore(HealthPart);
        Connected(_logger, RedisEndpoint.Describe(_endpoint!));
    }

    private void Away(string reason)
    {
        lock (_change)
        {
            _usable = null;
            if (_reported is false)
            {
                return;
            }

            Report(connected: false);
        }

        _health.Degrade(HealthPart, $"Redis is away: {reason}. Limits are not shared with other gateways.");
        WentAway(_logger, RedisEndpoint.Describe(_endpoint!), reason);
    }

    private void Report(bool connected)
    {
        _reported = connected;
        _metrics.Changed(connected);
    }

    [LoggerMessage(1, LogLevel.Information, "Redis at {Endpoint} is connected: limits are shared")]
    private static partial void Connected(ILogger logger, string endpoint);

    [LoggerMessage(2, LogLevel.Warning, "Redis at {Endpoint} is away ({Reason}): limits are not shared until it is back")]
    private static partial void WentAway(ILogger logger, string endpoint, string reason);

    [LoggerMessage(3, LogLevel.Debug, "A call to Redis failed")]
    private static partial void CallFailed(ILogger logger, Exception exception);
}
