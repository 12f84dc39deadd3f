namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>The listeners of a configuration that nothing listens on: for commands.</summary>
internal static class ConfiguredListeners
{
    public static IEnumerable<Listener> Of(IConfiguration configuration)
        => configuration.GetSection(ListenerEndpointsSection.SectionPath).GetChildren()
            .Where(static section => !string.IsNullOrEmpty(section["Url"]))
            .Select(static section => new Listener(section.Key, section.Get<ListenerEndpointOptions>() ?? new ListenerEndpointOptions(), section["Url"]!));
}
