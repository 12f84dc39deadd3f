using System.Collections.Immutable;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>Where stores say whose record changed, and where whatever was remembered of a user is dropped.</summary>
internal sealed class UserChanges
{
    private ImmutableArray<Action<IReadOnlySet<string>?>> _listeners = [];

    /// <param name="listener">
    /// Gets users by name, or <see langword="null"/> where anybody may have changed. Called on the thread of whoever noticed.
    /// </param>
    /// <returns>Ends the subscription.</returns>
    public IDisposable Subscribe(Action<IReadOnlySet<string>?> listener)
    {
        ImmutableInterlocked.Update(ref _listeners, static (listeners, added) => listeners.Add(added), listener);
        return new Subscription(this, listener);
    }

    public void Publish(IReadOnlySet<string> userNames)
    {
        if (userNames.Count > 0)
        {
            Tell(userNames);
        }
    }

    public void PublishAll() => Tell(userNames: null);

    private void Tell(IReadOnlySet<string>? userNames)
    {
        foreach (var listener in _listeners)
        {
            listener(userNames);
        }
    }

    private sealed class Subscription(UserChanges changes, Action<IReadOnlySet<string>?> listener) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref changes._listeners, static (listeners, removed) => listeners.Remove(removed), listener);
    }
}
