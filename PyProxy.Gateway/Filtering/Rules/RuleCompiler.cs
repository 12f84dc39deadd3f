using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>Makes rules of their options; validation is the same act with the result thrown away.</summary>
internal sealed class RuleCompiler(ConfigurationErrors errors, ListRegistry lists, RuleHits hits)
{
    private const int MaxNameLength = 64;
    private const int MaxAddressConditions = 5; // a truth table of 32 bits

    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConditionCompiler _conditions = new(errors, lists);
    private readonly ActionCompiler _actions = new(errors);

    /// <summary>The names of all rules compiled so far.</summary>
    public IReadOnlySet<string> Names => _names;

    public List<Rule> Compile(IReadOnlyList<RuleOptions> rules, string path)
    {
        var result = new List<Rule>(rules.Count);
        for (var i = 0; i < rules.Count; i++)
        {
            var at = FormattableString.Invariant($"{path}:{i}");
            var rule = rules[i];
            CheckName(rule, at);
            var action = _actions.Compile(rule, at);
            var compiled = Compile(i, rule, at, action);
            if (rule.Match.Response is not null || AnyPart(rule.Match, static match => match.Response is not null))
            {
                errors.Add($"{at}:Match", "asks for the response, which is known in Gateway:Filtering:ResponseRules only.");
            }

            if (compiled.AsksAddress && action.Kind is not (FilterAction.Allow or FilterAction.Deny))
            {
                errors.Add($"{at}:Action", "a rule that asks for addresses can only Allow or Deny: they are known when the gateway dials.");
            }

            result.Add(compiled);
        }

        return result;
    }

    public List<Rule> Compile(IReadOnlyList<ResponseRuleOptions> rules, string path)
    {
        var result = new List<Rule>(rules.Count);
        for (var i = 0; i < rules.Count; i++)
        {
            var at = FormattableString.Invariant($"{path}:{i}");
            var rule = rules[i];
            CheckName(rule, at);
            var compiled = Compile(i, rule, at, _actions.Compile(rule, at));
            if (compiled.AsksAddress)
            {
                errors.Add($"{at}:Match", "asks for addresses, which decide whether the gateway dials; a response has come after that.");
            }

            result.Add(compiled);
        }

        return result;
    }

    private Rule Compile(int index, RuleBaseOptions rule, string path, RuleAction action)
    {
        if (!Enum.IsDefined(rule.Mode)) // the binder takes any number for an enum
        {
            errors.Add($"{path}:Mode", "must be Enforce or ReportOnly.");
        }

        var condition = _conditions.Compile(rule.Match, $"{path}:Match");
        if (condition is AllCondition { Parts.Count: 0 } && action.Kind != FilterAction.Filter)
        {
            errors.Add($"{path}:Match", "must name something; what happens to everything else is Gateway:Filtering:Default.");
        }

        if (Rule.AddressConditionsOf(condition).Count() > MaxAddressConditions)
        {
            errors.Add($"{path}:Match", FormattableString.Invariant($"asks for addresses in more than {MaxAddressConditions} places; bring them together."));
        }

        return new Rule(index, rule.Name, path, rule.Mode == FilterMode.ReportOnly, condition, action, hits.Of(rule.Name));
    }

    private void CheckName(RuleBaseOptions rule, string path)
    {
        if (rule.Name.Length is 0 or > MaxNameLength || string.IsNullOrWhiteSpace(rule.Name))
        {
            errors.Add($"{path}:Name", "is required and has 1 to 64 characters.");
        }
        else if (!_names.Add(rule.Name))
        {
            errors.Add($"{path}:Name", $"\"{rule.Name}\" is the name of a rule before this one; refusals and metrics could not tell them apart.");
        }
    }

    private static bool AnyPart(MatchOptions match, Func<MatchOptions, bool> predicate)
        => match.All.Concat(match.Any).Concat(match.Not is null ? [] : [match.Not]).Any(part => predicate(part) || AnyPart(part, predicate));
}
