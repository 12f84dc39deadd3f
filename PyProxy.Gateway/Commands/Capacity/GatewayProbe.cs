namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>Reads the gateway's metrics from its admin endpoint, where one was named.</summary>
internal sealed class GatewayProbe : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient? _client;

    public GatewayProbe(Uri? admin)
    {
        if (admin is null)
        {
            return;
        }

#pragma warning disable RS0030 // Not traffic: questions of the operator's to a gateway's own admin endpoint.
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
#pragma warning restore RS0030
        _client = new HttpClient(handler) { BaseAddress = admin, Timeout = Patience };
    }

    /// <summary>Why the last reading did not come; a gateway under load may be too busy to say how it is.</summary>
    public string? LastFailure { get; private set; }

    public async Task<GatewayVitals?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_client is null)
        {
            return null;
        }

        try
        {
            var metrics = await _client.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancellationToken);
            LastFailure = null;
            return GatewayVitals.Parse(metrics);
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LastFailure = e.Message;
            return null;
        }
    }

    public void Dispose() => _client?.Dispose();
}
