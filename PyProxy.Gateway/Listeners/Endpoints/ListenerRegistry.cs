namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>Which role listens where. The ports that the system chose are known when the application has started.</summary>
internal sealed class ListenerRegistry
{
    private volatile Listener[] _listeners = [];

    public IReadOnlyList<Listener> Listeners => _listeners;

    /// <exception cref="ArgumentException">There is no such endpoint.</exception>
    public Listener Find(string name)
        => Array.Find(_listeners, l => l.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException($"There is no endpoint \"{name}\".", nameof(name));

    public void Replace(IEnumerable<Listener> listeners) => _listeners = [.. listeners];
}
