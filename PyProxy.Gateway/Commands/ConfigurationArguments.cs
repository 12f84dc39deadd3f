using System.CommandLine;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Commands;

/// <summary>What every command that reads the configuration accepts, with one meaning.</summary>
internal sealed class ConfigurationArguments
{
    // The settings of the web host that lie in no section.
    private static readonly string[] HostSettings = ["urls", "http_ports", "https_ports", "AllowedHosts"];

    private readonly Option<string?> _config = new("--config")
    {
        Description = "Configuration file in place of the default appsettings.json. Environment variables still override it.",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_config);
        command.TreatUnmatchedTokensAsErrors = false; // --Key=Value overrides a setting
        if (command.Arguments.Count > 0)
        {
            return; // its tokens are those; what is more than them is left over, and judged like settings
        }

        command.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(t => t.Type == System.CommandLine.Parsing.TokenType.Argument))
            {
                result.AddError($"Unrecognized argument '{token.Value}'.");
            }
        });
    }

    /// <summary>The loader; <see langword="null"/> after saying which argument makes no sense.</summary>
    public ConfigurationLoader? Loader(ParseResult arguments, Action<IServiceCollection, IConfiguration> addFeatures)
    {
        var file = ConfigurationFile.Find(arguments.GetValue(_config), Directory.GetCurrentDirectory(), AppContext.BaseDirectory);
        return Refusal(arguments.UnmatchedTokens) is { } refusal
            ? Refuse(arguments, refusal)
            : ConfigurationLoader.Create(
                file,
                ConfigurationOverrides.From(arguments.UnmatchedTokens, Environment.GetEnvironmentVariables()),
                addFeatures);
    }

    // A mistyped command or option must not pass for a setting that nobody reads.
    private static string? Refusal(IReadOnlyList<string> tokens)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i];
            if (!token.StartsWith("--", StringComparison.Ordinal))
            {
                return $"'{token}' is neither a command nor an option; --help lists them.";
            }

            var key = token[2..].Split('=')[0];
            if (!key.Contains(':', StringComparison.Ordinal) && !HostSettings.Contains(key, StringComparer.OrdinalIgnoreCase))
            {
                return $"'--{key}' is neither an option nor a setting; --help lists the options, a setting is written --Section:Key=VALUE.";
            }

            if (!token.Contains('=', StringComparison.Ordinal) && (++i == tokens.Count || tokens[i].StartsWith("--", StringComparison.Ordinal)))
            {
                return $"'{token}' is no option, and as a setting it lacks a value: {token}=VALUE";
            }
        }

        return null;
    }

    private static ConfigurationLoader? Refuse(ParseResult arguments, string refusal)
    {
        arguments.InvocationConfiguration.Error.WriteLine(refusal);
        return null;
    }
}
