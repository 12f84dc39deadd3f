namespace PyProxy.Gateway.Explain;

internal static class ExplainExtensions
{
    /// <summary>Questions without traffic. Needs everything that decides about traffic.</summary>
    public static IServiceCollection AddExplain(this IServiceCollection services)
    {
        services.AddSingleton<QuestionReader>();
        services.AddSingleton<AskedUser>();
        services.AddSingleton<PlanStandings>();
        services.AddSingleton<WayOut>();
        services.AddSingleton<RuleNarrator>();
        services.AddSingleton<Explainer>();
        return services;
    }
}
