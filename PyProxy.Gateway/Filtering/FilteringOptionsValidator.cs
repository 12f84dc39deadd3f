using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Filtering;

internal sealed class FilteringOptionsValidator : ISectionValidator<FilteringOptions>
{
    private const int MaxNameLength = 64;

    public void Validate(FilteringOptions options, string path, ConfigurationErrors errors)
    {
        if (!Enum.IsDefined(options.Default))
        {
            errors.Add($"{path}:Default", "must be Allow or Deny.");
        }

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < options.Rules.Count; i++)
        {
            var rulePath = $"{path}:Rules:{i}";
            var rule = options.Rules[i];
            if (rule.Name.Length is 0 or > MaxNameLength || string.IsNullOrWhiteSpace(rule.Name))
            {
                errors.Add($"{rulePath}:Name", "is required and has 1 to 64 characters.");
            }
            else if (!names.Add(rule.Name))
            {
                errors.Add($"{rulePath}:Name", $"\"{rule.Name}\" is the name of a rule before this one; refusals and metrics could not tell them apart.");
            }

            ValidateEffect(rule, rulePath, errors);
            ValidateMatch(rule.Match, $"{rulePath}:Match", errors);
        }
    }

    private static void ValidateEffect(RuleOptions rule, string path, ConfigurationErrors errors)
    {
        if (rule.Action is not { } action)
        {
            errors.Add($"{path}:Action", "is required: Allow or Deny.");
        }
        else if (!Enum.IsDefined(action)) // the binder takes any number for an enum
        {
            errors.Add($"{path}:Action", "must be Allow or Deny.");
        }

        if (!Enum.IsDefined(rule.Mode))
        {
            errors.Add($"{path}:Mode", "must be Enforce or ReportOnly.");
        }
    }

    private static void ValidateMatch(MatchOptions match, string path, ConfigurationErrors errors)
    {
        if (match.Hosts.Count == 0 && match.ClientAddresses.Count == 0)
        {
            errors.Add(path, "must name hosts or client addresses; what happens to everything else is Gateway:Filtering:Default.");
        }

        for (var i = 0; i < match.Hosts.Count; i++)
        {
            if (!HostPattern.TryParse(match.Hosts[i], out _))
            {
                errors.Add($"{path}:Hosts:{i}", $"\"{match.Hosts[i]}\" is neither a host name, nor an address, nor *. and a host name.");
            }
        }

        for (var i = 0; i < match.ClientAddresses.Count; i++)
        {
            if (!ClientRange.TryParse(match.ClientAddresses[i], out _))
            {
                errors.Add($"{path}:ClientAddresses:{i}", $"\"{match.ClientAddresses[i]}\" is neither an address nor a CIDR range.");
            }
        }
    }
}
