namespace PyProxy.Gateway.State.Redis;

/// <summary>A script that Redis runs as one step. The driver sends its text once per server and its hash from then on.</summary>
internal sealed record RedisScript(string Text);
