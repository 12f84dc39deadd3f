using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Reverse.Policies;

internal sealed class RoutePoliciesOptionsValidator : ISectionValidator<RoutePoliciesOptions>
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ShortestDuration = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public void Validate(RoutePoliciesOptions options, string path, ConfigurationErrors errors)
    {
        foreach (var (name, timeout) in options.Timeouts)
        {
            var at = $"{path}:{nameof(options.Timeouts)}:{name}";
            Name(name, at, errors);
            if (timeout < ShortestTimeout || timeout > Day)
            {
                errors.Add(at, "lies outside 00:00:00.001 to 1.00:00:00.");
            }
        }

        foreach (var (name, policy) in options.Cors)
        {
            var at = $"{path}:{nameof(options.Cors)}:{name}";
            Name(name, at, errors);
            Cors(policy, at, errors);
        }

        foreach (var (name, policy) in options.OutputCache)
        {
            var at = $"{path}:{nameof(options.OutputCache)}:{name}";
            Name(name, at, errors);
            OutputCache(policy ?? new OutputCachePolicyOptions(), at, errors);
        }
    }

    private static void Name(string name, string at, ConfigurationErrors errors)
    {
        if (name.Equals("default", StringComparison.OrdinalIgnoreCase) || name.Equals("disable", StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(at, "this name means something else where routes name a policy; choose another.");
        }
    }

    private static void OutputCache(OutputCachePolicyOptions policy, string at, ConfigurationErrors errors)
    {
        if (policy.Duration < ShortestDuration || policy.Duration > Day)
        {
            errors.Add($"{at}:{nameof(policy.Duration)}", "is required, and lies between 00:00:01 and 1.00:00:00.");
        }

        for (var i = 0; i < policy.Headers.Count; i++)
        {
            if (!FieldNames.IsToken(policy.Headers[i]))
            {
                errors.Add($"{at}:{nameof(policy.Headers)}:{i}", $"\"{policy.Headers[i]}\" is no name of a field.");
            }
        }
    }

    private static void Cors(CorsOptions policy, string at, ConfigurationErrors errors)
    {
        if (policy.Origins.Count == 0)
        {
            errors.Add($"{at}:{nameof(policy.Origins)}", "is required: without an origin nobody may ask.");
        }

        for (var i = 0; i < policy.Origins.Count; i++)
        {
            if (policy.Origins[i] != "*" && !IsOrigin(policy.Origins[i]))
            {
                errors.Add($"{at}:{nameof(policy.Origins)}:{i}", $"\"{policy.Origins[i]}\" is no origin; one looks like https://app.example or https://*.example:8443.");
            }
        }

        if (policy.Credentials && policy.Origins.Contains("*"))
        {
            errors.Add($"{at}:{nameof(policy.Credentials)}", "may not be true where Origins has *: every page could act in its reader's name.");
        }

        if (policy.MaxAge is { } age && (age < TimeSpan.Zero || age > Day))
        {
            errors.Add($"{at}:{nameof(policy.MaxAge)}", "lies outside 00:00:00 to 1.00:00:00.");
        }
    }

    private static bool IsOrigin(string text)
        => Uri.TryCreate(text.Replace("://*.", "://any.", StringComparison.Ordinal), UriKind.Absolute, out var uri)
            && uri is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" } && !text.EndsWith('/');
}
