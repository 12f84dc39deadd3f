using System.Globalization;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Explain;

/// <summary>Puts what a <see cref="RuleTrace"/> has seen into words: with the places of settings, and with what conditions want as the configuration has it.</summary>
internal sealed class RuleNarrator(IConfiguration configuration, ISettingPlaces places)
{
    private const int MaxWanted = 160; // a list of a thousand hosts is no answer

    private const string MatchKey = ":Match";

    public IReadOnlyList<ExplainedRule> Tell(RuleTrace trace) => [.. trace.Rules.Select(Tell)];

    /// <summary>What a rule does, in its configuration's words.</summary>
    public static string ActionOf(RuleAction action) => action.Kind switch
    {
        FilterAction.Redirect => FormattableString.Invariant($"Redirect {action.Status} {action.Location}"),
        FilterAction.Rewrite => $"Rewrite to {action.Host ?? "the same host"}{(action.Port is { } port ? FormattableString.Invariant($":{port}") : "")}{action.Path}",
        FilterAction.SetField => $"SetField {action.Field}", // not the value: it may be a credential, and whoever needs it has the file
        FilterAction.RemoveField => $"RemoveField {action.Field}",
        FilterAction.EgressProfile or FilterAction.PrivacyProfile or FilterAction.Plan or FilterAction.Tag or FilterAction.Filter => $"{action.Kind} {action.Name}",
        _ => action.Kind.ToString(),
    };

    private ExplainedRule Tell(LookedAt looked) => new(
        looked.Rule.Index + 1, looked.Rule.Name, places.PlaceOf(looked.Rule.Setting), ActionOf(looked.Rule.Action), looked.Fate, [.. looked.Reasons.Select(r => Tell(r, looked.Rule))]);

    private ExplainedCondition Tell(UnmetCondition condition, Rule rule)
    {
        var below = condition.Path[(rule.Setting.Length + MatchKey.Length)..].TrimStart(':');
        return new ExplainedCondition(
            places.PlaceOf(condition.Path), below.Length == 0 ? "Match" : below.Replace(':', '.'), condition.IsKnown, condition.Asked, WantedAt(condition.Path));
    }

    private string WantedAt(string path)
    {
        var words = new List<string>();
        Collect(configuration.GetSection(path), name: "", isField: IsField(path), words);
        var text = string.Join(", ", words);
        return text.Length <= MaxWanted ? text : string.Concat(text.AsSpan(0, MaxWanted), "…");
    }

    /// <summary>The values below a section, each behind its key where that is no index.</summary>
    private static void Collect(IConfigurationSection section, string name, bool isField, List<string> words)
    {
        var isIndex = IsIndex(section.Key);
        var label = isIndex || name.Length == 0 ? name : $"{name} ";
        if (section.Value is { Length: > 0 } value)
        {
            words.Insert(isField && section.Key == nameof(FieldOptions.Name) ? 0 : words.Count, isField ? OfField(section.Key, value) : label + value);
        }

        foreach (var child in section.GetChildren())
        {
            Collect(child, IsIndex(child.Key) ? name : child.Key, isField || child.Key == nameof(MatchOptions.Headers), words);
        }
    }

    private static bool IsIndex(string key) => int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    // What a field's value is compared with may be a secret: that it is compared is told.
    private static string OfField(string key, string value) => key switch
    {
        nameof(FieldOptions.Name) => value,
        nameof(FieldOptions.Present) => value.Equals(bool.FalseString, StringComparison.OrdinalIgnoreCase) ? "not there" : "there",
        _ => "a certain value",
    };

    private static bool IsField(string path) => path.Contains(":" + nameof(MatchOptions.Headers) + ":", StringComparison.OrdinalIgnoreCase);
}
