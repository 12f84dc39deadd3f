namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>
/// What a condition says of an exchange. Ordered, so that of several that must all hold the least decides, and of alternatives the greatest.
/// </summary>
internal enum Outcome
{
    No = 0,

    /// <summary>It asks for what is not known: never, like the path within a tunnel, or not yet, like the address. No rule matches on it.</summary>
    Unknown,

    Yes,
}
