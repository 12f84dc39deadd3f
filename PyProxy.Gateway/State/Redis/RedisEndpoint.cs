using System.Diagnostics.CodeAnalysis;
using StackExchange.Redis;

namespace PyProxy.Gateway.State.Redis;

/// <summary>What <c>Gateway:SharedState:Redis</c> says, as the driver wants it.</summary>
internal static class RedisEndpoint
{
    // A connection that is not there after this long is tried again; the driver's default of 5 s would be the pace of coming back.
    private const int ConnectMilliseconds = 2_000;

    /// <summary>Between two attempts to connect. The driver looks once per heartbeat, so an outage ends one to two seconds after its cause.</summary>
    private static readonly TimeSpan Reconnect = TimeSpan.FromMilliseconds(500);

    public static bool TryParse(string text, [NotNullWhen(true)] out ConfigurationOptions? options)
    {
        options = null;
        try
        {
            var parsed = ConfigurationOptions.Parse(text);
            if (parsed.EndPoints.Count == 0)
            {
                return false;
            }

            // What the gateway relies on is not for the text to decide: an absent Redis is no reason not to start, and a command that
            // cannot be sent fails at once instead of waiting in a queue for a connection.
            parsed.AbortOnConnectFail = false;
            parsed.BacklogPolicy = BacklogPolicy.FailFast;
            parsed.ReconnectRetryPolicy = new LinearRetry((int)Reconnect.TotalMilliseconds);
            parsed.HeartbeatInterval = Reconnect;
            parsed.ConnectTimeout = Math.Min(parsed.ConnectTimeout, ConnectMilliseconds);
            parsed.ClientName ??= "pyproxy-gateway";
            options = parsed;
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Where Redis is, without credentials.</summary>
    public static string Describe(ConfigurationOptions options) => string.Join(", ", options.EndPoints);
}
