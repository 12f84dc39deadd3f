using System.Globalization;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// The fields <c>RateLimit-Policy</c> and <c>RateLimit</c> (IETF draft ratelimit-headers): which rates there are, and how much is left of the one
/// that is nearest to its end.
/// </summary>
internal sealed class RateLimitFields(IOptionsMonitor<LimitsOptions> options)
{
    private const string PolicyField = "RateLimit-Policy";
    private const string StateField = "RateLimit";

    public void Write(HttpResponse response, LimitAttempt attempt, in LimitDecision decision)
    {
        if (decision.Limit is not { } limit || !options.CurrentValue.RateLimitFields)
        {
            return;
        }

        if (PolicyOf(attempt) is { } policy)
        {
            response.Headers[PolicyField] = policy;
        }

        if (!limit.IsHeld) // how many are left at once says nothing about later
        {
            response.Headers[StateField] = string.Create(
                CultureInfo.InvariantCulture, $"\"{limit.Name}\";r={decision.Left};t={(long)Math.Ceiling(decision.After.TotalSeconds)}");
        }
    }

    // One plan is the rule, and its text is made already.
    private static string? PolicyOf(LimitAttempt attempt)
    {
        string? policy = null;
        foreach (var plan in attempt.Plans)
        {
            policy = policy is null ? plan.RateLimitPolicy
                : plan.RateLimitPolicy is null ? policy
                : $"{policy}, {plan.RateLimitPolicy}";
        }

        return policy;
    }
}
