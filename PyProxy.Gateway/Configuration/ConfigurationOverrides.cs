using System.Collections;

namespace PyProxy.Gateway.Configuration;

/// <summary>What stands above the file: environment variables, then the command line, in the order and with the names of ASP.NET Core.</summary>
internal sealed class ConfigurationOverrides
{
    // Lowest first. The host's own prefixes rank below the file, as in WebApplication.CreateBuilder.
    private static readonly string[] HostPrefixes = ["DOTNET_", "ASPNETCORE_"];

    private ConfigurationOverrides(IReadOnlyDictionary<string, Override> belowFile, IReadOnlyDictionary<string, Override> aboveFile)
    {
        BelowFile = belowFile;
        AboveFile = aboveFile;
    }

    public static ConfigurationOverrides None { get; } = From([], new Hashtable());

    public IReadOnlyDictionary<string, Override> BelowFile { get; }

    public IReadOnlyDictionary<string, Override> AboveFile { get; }

    /// <param name="arguments"><c>--Key=Value</c>, <c>--Key Value</c> or <c>/Key=Value</c>, as ASP.NET Core reads them.</param>
    /// <param name="environment">The process' environment.</param>
    /// <exception cref="FormatException">An argument is none of these.</exception>
    public static ConfigurationOverrides From(IReadOnlyList<string> arguments, IDictionary environment)
    {
        var below = new Dictionary<string, Override>(StringComparer.OrdinalIgnoreCase);
        var above = new Dictionary<string, Override>(StringComparer.OrdinalIgnoreCase);
        foreach (var prefix in HostPrefixes)
        {
            AddVariables(below, environment, prefix);
        }

        AddVariables(above, environment, prefix: "");
        AddArguments(above, arguments);
        return new ConfigurationOverrides(below, above);
    }

    private static void AddVariables(Dictionary<string, Override> target, IDictionary environment, string prefix)
    {
        foreach (DictionaryEntry variable in environment)
        {
            var name = (string)variable.Key;
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                var path = name[prefix.Length..].Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal);
                target[path] = new Override((string?)variable.Value, $"environment variable {name}");
            }
        }
    }

    private static void AddArguments(Dictionary<string, Override> target, IReadOnlyList<string> arguments)
    {
        foreach (var (path, value) in new ConfigurationBuilder().AddCommandLine([.. arguments]).Build().AsEnumerable())
        {
            if (value is not null)
            {
                target[path] = new Override(value, $"command line --{path}");
            }
        }
    }
}

/// <param name="Value">The value.</param>
/// <param name="Source">Where it was set: <c>environment variable Gateway__Privacy__Mode</c>.</param>
internal readonly record struct Override(string? Value, string Source);
