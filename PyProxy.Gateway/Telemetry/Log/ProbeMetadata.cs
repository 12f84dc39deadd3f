using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>Endpoint metadata: what is asked here every few seconds by whoever watches the process, and would fill the access log.</summary>
internal sealed class ProbeMetadata
{
    public static readonly ProbeMetadata Instance = new();

    private ProbeMetadata()
    {
    }

    /// <summary>Whether the exchange was such a question, answered with success: what failed is worth a record.</summary>
    public static bool IsOn(HttpContext? context, Exchange exchange, in ExchangeOutcome outcome)
        => exchange.Role == ListenerRole.Admin
            && outcome.Status < StatusCodes.Status400BadRequest
            && context?.GetEndpoint()?.Metadata.GetMetadata<ProbeMetadata>() is not null;
}
