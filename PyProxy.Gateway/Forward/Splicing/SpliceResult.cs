namespace PyProxy.Gateway.Forward.Splicing;

/// <summary>What came of trying to move bytes inside the kernel.</summary>
internal enum SpliceResult
{
    /// <summary>Bytes have moved.</summary>
    Moved = 0,

    /// <summary>There is nothing at the moment.</summary>
    WouldBlock,

    /// <summary>There will be nothing more.</summary>
    Ended,

    /// <summary>The receiver's connection has failed; bytes that were taken for it are lost.</summary>
    Unwritable,

    /// <summary>The system cannot, or has no pipe left; nothing was taken.</summary>
    Unsupported,
}
