namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>What somebody used. Bytes are bodies and relayed streams.</summary>
/// <param name="Requests">Exchanges that began, tunnels and refused ones among them.</param>
/// <param name="BytesUp">From the client.</param>
/// <param name="BytesDown">To the client.</param>
/// <param name="Tunnels">Tunnels that were established.</param>
/// <param name="Refusals">Exchanges that a rule or a limit refused.</param>
internal readonly record struct Usage(long Requests, long BytesUp, long BytesDown, long Tunnels, long Refusals)
{
    public static Usage operator +(in Usage left, in Usage right) => new(
        left.Requests + right.Requests,
        left.BytesUp + right.BytesUp,
        left.BytesDown + right.BytesDown,
        left.Tunnels + right.Tunnels,
        left.Refusals + right.Refusals);

    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsNone => this == default;
}
