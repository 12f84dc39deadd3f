using PyProxy.Gateway.Filtering.Extension;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Filtering;

/// <summary>Judges the section by compiling it, without putting anything in force.</summary>
internal sealed class FilteringOptionsValidator : ISectionValidator<FilteringOptions>
{
    private static readonly TimeSpan MinTimeout = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(1);

    public void Validate(FilteringOptions options, string path, ConfigurationErrors errors)
    {
        if (!Enum.IsDefined(options.Default))
        {
            errors.Add($"{path}:Default", "must be Allow or Deny.");
        }

        if (!Enum.IsDefined(options.Mode))
        {
            errors.Add($"{path}:Mode", "must be Enforce or ReportOnly.");
        }

        var compiler = new RuleCompiler(errors, new ListRegistry(), new RuleHits());
        compiler.Compile(options.Rules, $"{path}:Rules");
        compiler.Compile(options.ResponseRules, $"{path}:ResponseRules");
        foreach (var (name, filter) in options.Filters)
        {
            if (filter.Timeout < MinTimeout || filter.Timeout > MaxTimeout)
            {
                errors.Add($"{path}:Filters:{name}:Timeout", "must be 00:00:00.001 to 00:01:00.");
            }

            if (!Enum.IsDefined(filter.OnFailure))
            {
                errors.Add($"{path}:Filters:{name}:OnFailure", "must be Allow or Deny.");
            }
        }
    }
}

/// <summary>The section with what it refers to: lists by their names in the same file, filters by the names that the program has registered.</summary>
internal sealed class FilteringSection(TrafficFilterNames filters) : ConfigurationSection(FilteringOptions.SectionPath, typeof(FilteringOptions))
{
    private const string ListsSection = "Lists";

    public override ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors)
    {
        var section = candidate.GetSection(Path);
        var options = section.Get<FilteringOptions>() ?? new FilteringOptions();
        new FilteringOptionsValidator().Validate(options, Path, errors);

        var lists = section.GetSection(ListsSection).GetChildren().Select(list => list.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        Check(options.Rules, $"{Path}:Rules", lists, errors);
        Check(options.ResponseRules, $"{Path}:ResponseRules", lists, errors);
        foreach (var name in options.Filters.Keys.Where(name => !filters.Contains(name)))
        {
            errors.Add($"{Path}:Filters:{name}", $"no filter is registered as \"{name}\"{filters.Known}.");
        }

        return ValueTask.CompletedTask;
    }

    private void Check(IReadOnlyList<RuleBaseOptions> rules, string path, HashSet<string> lists, ConfigurationErrors errors)
    {
        for (var i = 0; i < rules.Count; i++)
        {
            var at = FormattableString.Invariant($"{path}:{i}");
            foreach (var (place, name) in ConditionCompiler.ListNames(rules[i].Match, $"{at}:Match").Where(reference => !lists.Contains(reference.Name)))
            {
                errors.Add(place, $"there is no list \"{name}\" in {FilteringOptions.SectionPath}:{ListsSection}.");
            }

            if (rules[i].Filter is { Length: > 0 } filter && !filters.Contains(filter))
            {
                errors.Add($"{at}:Filter", $"no filter is registered as \"{filter}\"{filters.Known}.");
            }
        }
    }
}
