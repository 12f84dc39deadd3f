using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits;

internal sealed class PlansOptionsValidator : ISectionValidator<PlansOptions>
{
    public void Validate(PlansOptions options, string path, ConfigurationErrors errors)
    {
        foreach (var (name, plan) in options)
        {
            if (name.Equals("default", StringComparison.OrdinalIgnoreCase) || name.Equals("disable", StringComparison.OrdinalIgnoreCase))
            {
                errors.Add($"{path}:{name}", "this name means something else where routes name a plan (RateLimiterPolicy of YARP); choose another.");
            }

            var seen = new HashSet<string>(StringComparer.Ordinal);
            for (var i = 0; i < plan.Rates.Count; i++)
            {
                if (!Rate.TryParse(plan.Rates[i], out var rate))
                {
                    errors.Add($"{path}:{name}:Rates:{i}",
                        $"\"{plan.Rates[i]}\" is no rate; write N/s, N/m, N/h or N/d, with or without \"burst B\"; N and B from 1 to 1000000000.");
                }
                else if (!seen.Add(rate.Name))
                {
                    errors.Add($"{path}:{name}:Rates:{i}", $"the rate {rate.Name} is there twice.");
                }
            }
        }
    }
}
