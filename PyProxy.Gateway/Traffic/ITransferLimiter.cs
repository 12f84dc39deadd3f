namespace PyProxy.Gateway.Traffic;

/// <summary>Which way bytes move, seen from the client.</summary>
internal enum TransferDirection
{
    /// <summary>To the client.</summary>
    Down = 0,

    /// <summary>From the client.</summary>
    Up,
}

/// <summary>
/// Holds back the bytes of one exchange where a plan limits bandwidth. Whoever moves bytes reserves before it rents a buffer, moves no more than
/// it was given, and says how much it moved. In each direction one mover at a time.
/// </summary>
internal interface ITransferLimiter
{
    /// <summary>
    /// Waits for the exchange's turn and returns how many bytes may move, at least 1. They stay reserved until <see cref="Moved"/>; asking again
    /// before that returns what is left without waiting.
    /// </summary>
    /// <exception cref="ProxyException">Nothing may move any more: a quota has come to its end.</exception>
    ValueTask<int> ReserveAsync(TransferDirection direction, CancellationToken cancellationToken);

    /// <summary>
    /// Bytes have moved. What was reserved beyond them is free again; what moved beyond the reservation delays what comes next.
    /// </summary>
    void Moved(TransferDirection direction, int bytes);
}
