namespace PyProxy.Gateway.Users;

/// <summary>Which plans a user may have: a plan that does not exist would limit nothing.</summary>
internal static class PlanNames
{
    /// <returns>What is wrong with the plan's name; <see langword="null"/> where nothing is, or where none is named.</returns>
    public static string? Mistake(IConfiguration configuration, string? plan)
    {
        if (string.IsNullOrEmpty(plan) || configuration.GetSection($"Gateway:Plans:{plan}").Exists())
        {
            return null;
        }

        var plans = configuration.GetSection("Gateway:Plans").GetChildren().Select(p => p.Key).ToList();
        return $"there is no plan '{plan}'; {(plans.Count == 0 ? "Gateway:Plans defines none" : $"Gateway:Plans defines: {string.Join(", ", plans)}")}";
    }
}
