using PyProxy.Gateway.Sections;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Configuration;

/// <summary>Judges a candidate whole and names everything that is wrong with it at once.</summary>
internal sealed class ConfigurationValidator(IReadOnlyList<ConfigurationSection> sections)
{
    private static readonly ICrossSectionValidator[] CrossSectionValidators =
        [new PlanReferenceValidator(), new OpenProxyValidator(), new MissingUsersValidator(), new PrivacyReferenceValidator(), new EgressReferenceValidator()];

    private readonly ObjectShape _shape = SectionTree.Build(sections);

    /// <returns>The problems in the order of the file; empty for a good configuration.</returns>
    public async ValueTask<IReadOnlyList<ConfigurationProblem>> ValidateAsync(ConfigurationCandidate candidate)
    {
        // 1. syntax: a duplicate key does not hide what else is wrong
        var problems = candidate.SyntaxProblems().ToList();

        // 2. shape and types
        var errors = new ConfigurationErrors();
        new ShapeValidator(errors).Validate(candidate.Root, _shape);
        var misshapen = errors.All.Select(e => e.Path).ToArray();

        // 3. each feature's own checks. One that is out of shape may not bind; its neighbours still get their turn.
        foreach (var section in sections)
        {
            if (!Array.Exists(misshapen, path => IsWithin(path, section.Path)))
            {
                await section.ValidateAsync(candidate.Root, errors);
            }
        }

        // 4. what only the whole can show
        foreach (var validator in CrossSectionValidators)
        {
            validator.Validate(candidate.Root, errors);
        }

        problems.AddRange(errors.All.Select(candidate.Locate));
        return [.. problems.Distinct().OrderBy(p => p.Line ?? int.MaxValue)];
    }

    private static bool IsWithin(string path, string sectionPath) =>
        path.Equals(sectionPath, StringComparison.OrdinalIgnoreCase)
        || path.StartsWith(sectionPath + ConfigurationPath.KeyDelimiter, StringComparison.OrdinalIgnoreCase);
}
