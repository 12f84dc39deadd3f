using System.Security.Cryptography;
using PyProxy.Gateway.State.Redis;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>The gateways that share limits: who this one is, and how many there were when Redis was last asked.</summary>
internal sealed class Fleet(RedisConnection redis)
{
    // Longer than a gateway's pause for garbage, shorter than a rolling update.
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(5);

    private readonly RedisKey[] _key = [$"{redis.Prefix}:fleet"];
    private volatile int _size = 1;

    /// <summary>This gateway among them: new with every start, so that nothing a crash left behind is taken for its own.</summary>
    public string Instance { get; } = RandomNumberGenerator.GetHexString(12, lowercase: true);

    public int Size => _size;

    public async Task RegisterAsync()
    {
        if (await redis.TryEvaluateAsync(SharedLimitScripts.Register, _key, [Instance, (long)Life.TotalMilliseconds]) is { } answer)
        {
            _size = Math.Max(1, (int)answer);
        }
    }
}
