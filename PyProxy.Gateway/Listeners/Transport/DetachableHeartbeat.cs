using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// The server's heartbeat of a connection, by which the HTTP layer keeps its timeouts. The server holds whoever listens to it for as long as
/// the connection lives; detached, the HTTP layer of a connection that became a tunnel is garbage.
/// </summary>
internal sealed class DetachableHeartbeat : IConnectionHeartbeatFeature
{
    private readonly IConnectionHeartbeatFeature _inner;
    private volatile Listener? _listeners;

    private DetachableHeartbeat(IConnectionHeartbeatFeature inner) => _inner = inner;

    public static DetachableHeartbeat? Attach(IFeatureCollection features)
    {
        if (features.Get<IConnectionHeartbeatFeature>() is not { } inner)
        {
            return null;
        }

        var heartbeat = new DetachableHeartbeat(inner);
        features.Set<IConnectionHeartbeatFeature>(heartbeat);
        return heartbeat;
    }

    /// <summary>Called while a connection is set up, by one caller at a time.</summary>
    public void OnHeartbeat(Action<object> action, object state)
    {
        var isFirst = _listeners is null;
        _listeners = new Listener(action, state, _listeners);
        if (isFirst)
        {
            _inner.OnHeartbeat(static self => ((DetachableHeartbeat)self).Tick(), this);
        }
    }

    public void Detach() => _listeners = null;

    private void Tick()
    {
        for (var listener = _listeners; listener is not null; listener = listener.Next)
        {
            listener.Action(listener.State);
        }
    }

    private sealed record Listener(Action<object> Action, object State, Listener? Next);
}
