using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Filtering.Extension;

namespace PyProxy.Gateway.Filtering
{
    /// <summary>Registers filters of a program's own.</summary>
    public static class TrafficFilterServiceCollectionExtensions
    {
        /// <summary>Registers a filter under the name that rules ask it by.</summary>
        /// <typeparam name="TFilter">The filter; its constructor gets services of the gateway's container.</typeparam>
        /// <param name="services">The gateway's services.</param>
        /// <param name="name">The name, in any case.</param>
        public static IServiceCollection AddTrafficFilter<TFilter>(this IServiceCollection services, string name)
            where TFilter : class, ITrafficFilter
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            TrafficFilterNames.Of(services).Add(name);
            services.TryAddSingleton<TFilter>();
            services.AddSingleton(new TrafficFilterRegistration(name, static provider => provider.GetRequiredService<TFilter>()));
            return services;
        }
    }
}

namespace PyProxy.Gateway.Filtering.Extension
{
    /// <summary>A filter that a program has registered.</summary>
    internal sealed record TrafficFilterRegistration(string Name, Func<IServiceProvider, ITrafficFilter> Resolve);

    /// <summary>The names of registered filters: known while services are registered, because a configuration is judged without running any.</summary>
    internal sealed class TrafficFilterNames
    {
        private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);

        public string Known => _names.Count == 0 ? "; the program has registered none" : $"; registered: {string.Join(", ", _names)}";

        /// <summary>The one instance of a collection, whoever asks first.</summary>
        public static TrafficFilterNames Of(IServiceCollection services)
        {
            var known = services.Select(static d => d.ServiceType == typeof(TrafficFilterNames) ? d.ImplementationInstance as TrafficFilterNames : null)
                .FirstOrDefault(static names => names is not null);
            if (known is null)
            {
                services.AddSingleton(known = new TrafficFilterNames());
            }

            return known;
        }

        public void Add(string name)
        {
            if (!_names.Add(name))
            {
                throw new InvalidOperationException($"Two filters are registered as \"{name}\".");
            }
        }

        public bool Contains(string name) => _names.Contains(name);
    }
}
