namespace PyProxy.Gateway.Sections;

internal static class SectionServiceCollectionExtensions
{
    /// <summary>
    /// Registers a section: its options follow the validated snapshot (<c>IOptionsMonitor</c>), its validator judges every candidate.
    /// Each property of the options carries a <see cref="System.ComponentModel.DescriptionAttribute"/> with unit, range and default in
    /// prose: schema and documentation are made from it.
    /// </summary>
    public static IServiceCollection AddGatewaySection<TOptions, TValidator>(this IServiceCollection services, string path)
        where TOptions : class, new()
        where TValidator : ISectionValidator<TOptions>, new()
    {
        services.AddOptions<TOptions>().BindConfiguration(path);
        services.AddSingleton<ConfigurationSection>(new ConfigurationSection<TOptions, TValidator>(path));
        return services;
    }
}
