namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>What one gateway has to write at once. Never changed once it was sent: whether it arrived may have to be asked with the same numbers.</summary>
/// <param name="Number">1, 2, 3 … within one run of one gateway. The database takes each once.</param>
/// <param name="Day">The day, in UTC, that it belongs to.</param>
/// <param name="Users">Per user.</param>
/// <param name="Quotas">Per counter of a quota.</param>
internal sealed record UsageBatch(long Number, string Day, IReadOnlyList<(string User, Usage Usage)> Users, IReadOnlyList<QuotaCharge> Quotas);

/// <summary>What one gateway adds to a counter; nothing, to learn what it says.</summary>
internal sealed record QuotaCharge(QuotaCounter Counter, long Amount);
