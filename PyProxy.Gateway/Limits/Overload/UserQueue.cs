namespace PyProxy.Gateway.Limits.Overload;

/// <summary>What one user has of the gateway's places, and who of theirs waits for one. Under <see cref="FairAdmission"/>'s lock.</summary>
internal sealed class UserQueue
{
    private QueuePace _pace;

    public UserQueue(AdmissionKey key)
    {
        Key = key;
        ByLength = new LinkedListNode<UserQueue>(this);
    }

    public AdmissionKey Key { get; }

    public LinkedList<QueueWaiter> Waiters { get; } = new();

    public int Places { get; set; }

    public long Turn { get; set; }

    public ref QueuePace Pace => ref _pace;

    /// <summary>Its place in <see cref="QueuesByLength"/>.</summary>
    public LinkedListNode<UserQueue> ByLength { get; }
}

/// <summary>A request that waits for a place.</summary>
internal sealed class QueueWaiter : TaskCompletionSource<AdmissionPlace>
{
    public QueueWaiter(UserQueue user)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        User = user;
        Node = new LinkedListNode<QueueWaiter>(this);
    }

    public UserQueue User { get; }

    public LinkedListNode<QueueWaiter> Node { get; }
}

/// <summary>By places held now, and then by who has waited longest for a turn.</summary>
internal sealed class ByPlacesThenTurn : IComparer<UserQueue>
{
    public static readonly ByPlacesThenTurn Instance = new();

    public int Compare(UserQueue? x, UserQueue? y)
    {
        var byPlaces = x!.Places.CompareTo(y!.Places);
        return byPlaces != 0 ? byPlaces : x.Turn.CompareTo(y.Turn);
    }
}
