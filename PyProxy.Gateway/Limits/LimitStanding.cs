using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits;

/// <summary>How a limit stands for somebody.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Left">Permits that are left; <see langword="null"/> where the engine cannot tell.</param>
internal readonly record struct LimitStanding(Limit Limit, long? Left);
