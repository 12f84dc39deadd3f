using System.CommandLine;
using System.Globalization;
using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Commands;

/// <summary>Asks the gateway of the same configuration whether it is ready: a container without shell or curl has nothing else to ask with.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Create(GatewayProgram program)
    {
        var command = new Command("health", """
            Ask the running gateway whether it is ready: /health/ready of its first Admin endpoint. Exit code 0 when it is, 1 when it is not.

            Example (Dockerfile):
              HEALTHCHECK CMD ["/app/PyProxy.Gateway", "health"]
            """);
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => AskAsync(arguments, configuration, program, cancellationToken));
        return command;
    }

    /// <summary>Where the first Admin endpoint answers on this machine; <see langword="null"/> where there is none.</summary>
    internal static Uri? ReadinessAddress(IConfiguration configuration)
    {
        foreach (var endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (Enum.TryParse<ListenerRole>(endpoint["Role"], ignoreCase: true, out var role) && role == ListenerRole.Admin
                && endpoint["Url"] is { Length: > 0 } url)
            {
                var address = BindingAddress.Parse(url);
                var host = IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any)
                    ? address.Host
                    : "127.0.0.1"; // a wildcard, or a name, which Kestrel takes for one: both include loopback
                return new Uri(string.Create(CultureInfo.InvariantCulture, $"{address.Scheme}://{host}:{address.Port}/health/ready"));
            }
        }

        return null;
    }

    private static async Task<int> AskAsync(
        ParseResult arguments, ConfigurationArguments configuration, GatewayProgram program, CancellationToken cancellationToken)
    {
        if (configuration.Loader(arguments, program.AddFeatures) is not { } loader)
        {
            return ExitCodes.Usage;
        }

        var output = arguments.InvocationConfiguration.Output;
        var loaded = await loader.LoadAsync(cancellationToken);
        if (ReadinessAddress(new ConfigurationBuilder().AddInMemoryCollection(loaded.Data).Build()) is not { } address)
        {
            await output.WriteLineAsync($"{loader.File.DisplayName}: no endpoint has the role Admin, so there is nobody to ask");
            return ExitCodes.Failure;
        }

        try
        {
            var status = await GetAsync(address, cancellationToken);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{address}: {(int)status}"));
            return status == HttpStatusCode.OK ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            await output.WriteLineAsync($"{address}: {e.Message}");
            return ExitCodes.Failure;
        }
    }

    private static async Task<HttpStatusCode> GetAsync(Uri address, CancellationToken cancellationToken)
    {
#pragma warning disable RS0030 // not traffic: a process of its own asks its neighbour on loopback, where the dialer would refuse to go
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
#pragma warning restore RS0030
#pragma warning disable CA5359 // the certificate names the gateway's public name, never loopback, and nothing secret is sent
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        using var client = new HttpClient(handler) { Timeout = Patience };
        using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return response.StatusCode;
    }
}
