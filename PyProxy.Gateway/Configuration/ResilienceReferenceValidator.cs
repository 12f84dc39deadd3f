using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>A pipeline that a cluster or the forward role names must exist, and must not compete with another judge of the same destinations.</summary>
internal sealed class ResilienceReferenceValidator : ICrossSectionValidator
{
    private const string Pipelines = "Gateway:Resilience:Pipelines";

    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        var pipelines = candidate.GetSection(Pipelines).GetChildren().Select(pipeline => pipeline.Key).ToList();
        Check(candidate.GetSection("Gateway:Forward:Resilience"), pipelines, errors);
        foreach (var cluster in candidate.GetSection("ReverseProxy:Clusters").GetChildren())
        {
            var reference = cluster.GetSection("Metadata:Resilience");
            Check(reference, pipelines, errors);
            var passive = cluster.GetSection("HealthCheck:Passive");
            if (IsTrue(passive["Enabled"]) && Judges(candidate.GetSection($"{Pipelines}:{reference.Value}")))
            {
                errors.Add(passive.Path, $"the cluster's pipeline '{reference.Value}' judges its destinations already (CircuitBreaker, Ejection); leave one of the two out");
            }

            var panic = cluster.GetSection("Metadata:PanicThreshold");
            if (panic.Value is { } text
                && !(double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var threshold) && threshold is >= 0 and <= 1))
            {
                errors.Add(panic.Path, $"'{text}' is no share between 0 and 1");
            }
        }
    }

    private static void Check(IConfigurationSection reference, List<string> pipelines, ConfigurationErrors errors)
    {
        if (reference.Value is not { Length: > 0 } name || pipelines.Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            return;
        }

        var hint = Spelling.Nearest(name, pipelines) is { } meant ? $"did you mean '{meant}'?"
            : pipelines.Count == 0 ? $"{Pipelines} defines none"
            : $"{Pipelines} defines: {string.Join(", ", pipelines)}";
        errors.Add(reference.Path, $"there is no pipeline '{name}'; {hint}");
    }

    private static bool Judges(IConfigurationSection pipeline)
        => IsSet(pipeline["CircuitBreaker:FailureRate"]) || IsSet(pipeline["Ejection:FailureRate"]) || IsSet(pipeline["Ejection:LatencyFactor"]);

    private static bool IsSet(string? number) => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value > 0;

    private static bool IsTrue(string? text) => bool.TryParse(text, out var value) && value;
}
