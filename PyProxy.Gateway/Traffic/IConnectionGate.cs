using System.Net;

namespace PyProxy.Gateway.Traffic;

/// <summary>Says whether a client address may have one more connection, before anything is spent on it.</summary>
internal interface IConnectionGate
{
    /// <summary>Lets a connection in, or not.</summary>
    /// <param name="address">The client's address as conveyed by a trusted sender, where there is one.</param>
    /// <param name="open">To be disposed at the connection's end; <see langword="null"/> where nothing is counted.</param>
    bool TryOpen(IPAddress address, out IDisposable? open);
}
