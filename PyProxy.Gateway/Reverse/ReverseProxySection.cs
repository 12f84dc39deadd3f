using System.Collections.Frozen;
using PyProxy.Gateway.Reverse.Clusters;
using PyProxy.Gateway.Sections;
using Yarp.ReverseProxy.Configuration;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Reverse;

/// <summary>
/// YARP's own section, judged by YARP's own validators. They work on services, so each candidate gets a container of its own which is thrown
/// away afterwards: nothing of the running proxy takes part.
/// </summary>
/// <param name="policies">Registers what routes may name: authorization, timeout and CORS policies, configuration filters.</param>
internal sealed class ReverseProxySection(Action<IServiceCollection>? policies) : ConfigurationSection(SectionPath, optionsType: null)
{
    public const string SectionPath = "ReverseProxy";

    private const string Routes = $"{SectionPath}:Routes";
    private const string Clusters = $"{SectionPath}:Clusters";

    public override async ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors)
    {
        var section = candidate.GetSection(SectionPath);
        await using var services = BuildServices(candidate, section);
        if (!TryRead(services, section, errors, out var config))
        {
            return;
        }

        var filters = services.GetServices<IProxyConfigFilter>().ToArray();
        var validator = services.GetRequiredService<IConfigValidator>();
        var clusters = new Dictionary<string, ClusterConfig>(StringComparer.OrdinalIgnoreCase);
        foreach (var cluster in config.Clusters)
        {
            var filtered = await FilterAsync(cluster, filters);
            clusters[cluster.ClusterId] = filtered;
            Report($"{Clusters}:{cluster.ClusterId}", await validator.ValidateClusterAsync(filtered), errors);
            CheckAddresses(filtered, errors);
        }

        foreach (var route in config.Routes)
        {
            var path = $"{Routes}:{route.RouteId}";
            var cluster = route.ClusterId is null ? null : clusters.GetValueOrDefault(route.ClusterId);
            if (cluster is null)
            {
                // YARP itself only answers 503 when the first request comes.
                errors.Add($"{path}:ClusterId", route.ClusterId is null ? "is required" : $"there is no cluster \"{route.ClusterId}\"");
            }

            foreach (var error in await validator.ValidateRouteAsync(await FilterAsync(route, cluster, filters)))
            {
                errors.Add(PathOf(error, candidate.GetSection(path)), error.Message);
            }
        }
    }

    /// <summary>YARP only wants an address to be there; what it is shows with the first request.</summary>
    private static void CheckAddresses(ClusterConfig cluster, ConfigurationErrors errors)
    {
        foreach (var (id, destination) in cluster.Destinations ?? FrozenDictionary<string, DestinationConfig>.Empty)
        {
            Check(destination.Address, nameof(destination.Address));
            Check(destination.Health, nameof(destination.Health));

            void Check(string? address, string key)
            {
                if (!string.IsNullOrEmpty(address)
                    && (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")))
                {
                    errors.Add(
                        $"{Clusters}:{cluster.ClusterId}:Destinations:{id}:{key}",
                        $"\"{address}\" is no address; one looks like http://host:port/ or https://host/base/");
                }
            }
        }
    }

    private ServiceProvider BuildServices(IConfiguration candidate, IConfiguration section)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(candidate); // configuration filters read their own sections of the same candidate
        services.AddReverseProxy().LoadFromConfig(section);
        services.AddClusterPolicies();
        policies?.Invoke(services);
        return services.BuildServiceProvider();
    }

    /// <summary>Reads the section into YARP's records; where that fails, says in which routes and clusters.</summary>
    private static bool TryRead(IServiceProvider services, IConfigurationSection section, ConfigurationErrors errors, out IProxyConfig config)
    {
        try
        {
            config = services.GetRequiredService<IProxyConfigProvider>().GetConfig();
            return true;
        }
        catch (Exception first)
        {
            // YARP stops at the first value that it cannot convert and does not say where it stands: each entry is read alone.
            config = null!;
            var found = false;
            foreach (var kind in (string[])["Clusters", "Routes"])
            {
                foreach (var entry in section.GetSection(kind).GetChildren())
                {
                    if (FindReadError(kind, entry) is { } error)
                    {
                        errors.Add(entry.Path, error.Message);
                        found = true;
                    }
                }
            }

            if (!found)
            {
                errors.Add(SectionPath, first.Message);
            }

            return false;
        }
    }

    private static Exception? FindReadError(string kind, IConfigurationSection entry)
    {
        var alone = new ConfigurationBuilder()
            .AddInMemoryCollection(entry.AsEnumerable(makePathsRelative: true)
                .Where(static pair => pair.Key.Length > 0)
                .Select(pair => KeyValuePair.Create($"{kind}:{entry.Key}:{pair.Key}", pair.Value)))
            .Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddReverseProxy().LoadFromConfig(alone);
        using var provider = services.BuildServiceProvider();
        try
        {
            provider.GetRequiredService<IProxyConfigProvider>().GetConfig();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    private static async ValueTask<ClusterConfig> FilterAsync(ClusterConfig cluster, IProxyConfigFilter[] filters)
    {
        foreach (var filter in filters)
        {
            cluster = await filter.ConfigureClusterAsync(cluster, CancellationToken.None);
        }

        return cluster;
    }

    private static async ValueTask<RouteConfig> FilterAsync(RouteConfig route, ClusterConfig? cluster, IProxyConfigFilter[] filters)
    {
        foreach (var filter in filters)
        {
            route = await filter.ConfigureRouteAsync(route, cluster, CancellationToken.None);
        }

        return route;
    }

    /// <summary>YARP says of a policy which kind it is ("RateLimiter policy 'x' not found…"), and so which key it stands at.</summary>
    private static string PathOf(Exception error, IConfigurationSection route)
        => route.GetChildren()
            .FirstOrDefault(key => key.Key.EndsWith("Policy", StringComparison.OrdinalIgnoreCase)
                && error.Message.StartsWith($"{key.Key[..^"Policy".Length]} policy '{key.Value}'", StringComparison.OrdinalIgnoreCase))
            ?.Path ?? route.Path;

    private static void Report(string path, IList<Exception> found, ConfigurationErrors errors)
    {
        foreach (var error in found)
        {
            errors.Add(path, error.Message);
        }
    }
}
