using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>A word of the exchange is one of several.</summary>
/// <param name="path">Where it stands.</param>
/// <param name="words">The words.</param>
/// <param name="comparison">How they are compared.</param>
internal abstract class WordCondition(string path, string[] words, StringComparison comparison) : Condition(path)
{
    protected bool IsOneOf(string? word)
    {
        foreach (var candidate in words)
        {
            if (string.Equals(candidate, word, comparison))
            {
                return true;
            }
        }

        return false;
    }

    protected static Outcome Of(bool matches) => matches ? Outcome.Yes : Outcome.No;
}

internal sealed class UserCondition(string path, string[] users) : WordCondition(path, users, StringComparison.Ordinal)
{
    public override Outcome Evaluate(in Facts facts) => Of(facts.Account is { } account && IsOneOf(account.Name));

    public override string Asked(in Facts facts) => facts.Account?.Name ?? "nobody (anonymous)";
}

internal sealed class GroupCondition(string path, string[] groups) : WordCondition(path, groups, StringComparison.Ordinal)
{
    public override Outcome Evaluate(in Facts facts)
    {
        if (facts.Account is { } account)
        {
            for (var i = 0; i < account.Groups.Count; i++)
            {
                if (IsOneOf(account.Groups[i]))
                {
                    return Outcome.Yes;
                }
            }
        }

        return Outcome.No;
    }

    public override string Asked(in Facts facts) => facts.Account is { Groups.Count: > 0 } account ? string.Join(", ", account.Groups) : "no group";
}

internal sealed class PlanCondition(string path, string[] plans) : WordCondition(path, plans, StringComparison.OrdinalIgnoreCase)
{
    public override Outcome Evaluate(in Facts facts) => Of(facts.Account?.Plan is { } plan && IsOneOf(plan));

    public override string Asked(in Facts facts) => facts.Account?.Plan ?? "no plan";
}

internal sealed class EndpointCondition(string path, string[] endpoints) : WordCondition(path, endpoints, StringComparison.OrdinalIgnoreCase)
{
    public override Outcome Evaluate(in Facts facts) => Of(facts.Endpoint is { } endpoint && IsOneOf(endpoint));

    public override string Asked(in Facts facts) => facts.Endpoint ?? "an endpoint without a name";
}

internal sealed class SchemeCondition(string path, string[] schemes) : WordCondition(path, schemes, StringComparison.OrdinalIgnoreCase)
{
    public override Outcome Evaluate(in Facts facts) => facts.Scheme is { } scheme ? Of(IsOneOf(scheme)) : Outcome.Unknown;

    public override string Asked(in Facts facts) => facts.Scheme ?? "not known of a tunnel";
}

internal sealed class MethodCondition(string path, string[] methods) : WordCondition(path, methods, StringComparison.Ordinal)
{
    public override Outcome Evaluate(in Facts facts) => Of(IsOneOf(facts.Method));

    public override string Asked(in Facts facts) => facts.Method;
}

internal sealed class WayInCondition(string path, WayIn[] ways) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts) => Array.IndexOf(ways, facts.WayIn) >= 0 ? Outcome.Yes : Outcome.No;

    public override string Asked(in Facts facts) => facts.WayIn.ToString();
}
