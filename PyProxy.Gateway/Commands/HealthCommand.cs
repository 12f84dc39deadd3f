using System.CommandLine;
using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Commands;

/// <summary>
/// Asks the gateway that runs on this machine, under the same configuration, whether it is alive. For images that have neither shell nor curl.
/// </summary>
internal static class HealthCommand
{
    private const string LivePath = "/health/live";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Create(GatewayProgram program)
    {
        var command = new Command("health", "Asks the running gateway's admin endpoint whether it is alive. Exit code 0: it is.");
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            if (configuration.Loader(arguments, program.AddFeatures) is not { } loader)
            {
                return ExitCodes.Usage;
            }

            // A file with mistakes still says where the gateway listens, which goes on with the last good one.
            var loaded = await loader.LoadAsync(cancellationToken);
            var output = arguments.InvocationConfiguration;
            if (AdminAddress(loaded.Data) is not { } address)
            {
                await output.Error.WriteLineAsync("No endpoint in Kestrel:Endpoints has the role Admin and an http or https address.");
                return ExitCodes.Configuration;
            }

            return await AskAsync(new Uri(address, LivePath), output, cancellationToken);
        });
        return command;
    }

    /// <summary>Where the admin role can be reached from this machine; <see langword="null"/> where there is no such endpoint.</summary>
    internal static Uri? AdminAddress(IReadOnlyDictionary<string, string?> settings)
    {
        const string prefix = "Kestrel:Endpoints:";
        const string suffix = ":Role";
        foreach (var (key, value) in settings)
        {
            if (key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
                && key.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && string.Equals(value, nameof(ListenerRole.Admin), StringComparison.OrdinalIgnoreCase)
                && settings.TryGetValue(string.Concat(key.AsSpan(0, key.Length - suffix.Length), ":Url"), out var url)
                && url is not null)
            {
                return Reachable(BindingAddress.Parse(url));
            }
        }

        return null;
    }

    // What means every address when it is bound is reached on loopback.
    private static Uri? Reachable(BindingAddress bound)
    {
        if (bound.IsUnixPipe || bound.IsNamedPipe)
        {
            return null;
        }

        var host = bound.Host switch
        {
            "*" or "+" or "0.0.0.0" => "127.0.0.1",
            "[::]" => "[::1]",
            var named => named,
        };
        return new UriBuilder(bound.Scheme, host, bound.Port).Uri;
    }

    private static async Task<int> AskAsync(Uri address, InvocationConfiguration output, CancellationToken cancellationToken)
    {
#pragma warning disable RS0030 // Not traffic: one question of the operator's to the gateway's own admin endpoint, to an address from its configuration.
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = Patience };
#pragma warning restore RS0030

#pragma warning disable CA5359 // The endpoint's certificate names how others reach it, not loopback; nothing is sent that could be stolen.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        using var client = new HttpClient(handler) { Timeout = Patience };
        try
        {
            using var response = await client.GetAsync(address, cancellationToken);
            await output.Output.WriteLineAsync(await response.Content.ReadAsStringAsync(cancellationToken));
            return response.StatusCode == HttpStatusCode.OK ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            await output.Error.WriteLineAsync($"{address}: {e.Message}");
            return ExitCodes.Failure;
        }
    }
}
