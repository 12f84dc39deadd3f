namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>A compiled part of a rule's <c>Match</c>. Immutable, without side effects, and evaluated without allocation.</summary>
/// <param name="path">Where it stands, as a configuration path.</param>
internal abstract class Condition(string path)
{
    public string Path { get; } = path;

    /// <summary>Whether it, or one below it, asks for the address that the host resolves to.</summary>
    public virtual bool AsksAddress => false;

    public abstract Outcome Evaluate(in Facts facts);

    /// <summary>What it compares, of this exchange: for people who ask why.</summary>
    public abstract string Asked(in Facts facts);

    /// <summary>The conditions that it is made of.</summary>
    public virtual IReadOnlyList<Condition> Parts => [];
}

/// <summary>Holds when all its parts hold.</summary>
internal sealed class AllCondition(string path, Condition[] parts) : Condition(path)
{
    public override IReadOnlyList<Condition> Parts => parts;

    public override bool AsksAddress { get; } = Array.Exists(parts, part => part.AsksAddress);

    public override Outcome Evaluate(in Facts facts)
    {
        var result = Outcome.Yes;
        foreach (var part in parts)
        {
            var outcome = part.Evaluate(facts);
            if (outcome == Outcome.No)
            {
                return Outcome.No;
            }

            result = outcome < result ? outcome : result;
        }

        return result;
    }

    public override string Asked(in Facts facts) => "";
}

/// <summary>Holds when one of its parts holds.</summary>
internal sealed class AnyCondition(string path, Condition[] parts) : Condition(path)
{
    public override IReadOnlyList<Condition> Parts => parts;

    public override bool AsksAddress { get; } = Array.Exists(parts, part => part.AsksAddress);

    public override Outcome Evaluate(in Facts facts)
    {
        var result = Outcome.No;
        foreach (var part in parts)
        {
            var outcome = part.Evaluate(facts);
            if (outcome == Outcome.Yes)
            {
                return Outcome.Yes;
            }

            result = outcome > result ? outcome : result;
        }

        return result;
    }

    public override string Asked(in Facts facts) => "";
}

/// <summary>Holds when its part does not. What is not known does not become known by turning it round.</summary>
internal sealed class NotCondition(string path, Condition part) : Condition(path)
{
    public override IReadOnlyList<Condition> Parts { get; } = [part];

    public override bool AsksAddress => part.AsksAddress;

    public override Outcome Evaluate(in Facts facts) => part.Evaluate(facts) switch
    {
        Outcome.No => Outcome.Yes,
        Outcome.Yes => Outcome.No,
        _ => Outcome.Unknown,
    };

    public override string Asked(in Facts facts) => "";
}
