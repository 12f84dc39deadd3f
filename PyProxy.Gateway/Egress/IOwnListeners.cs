using System.Net;

namespace PyProxy.Gateway.Egress;

/// <summary>Where this gateway itself listens. A client must not reach it from the inside: not its admin role, not itself in a loop.</summary>
internal interface IOwnListeners
{
    /// <summary>
    /// Whether a connection to the end point would arrive at a listener of this gateway. A listener on any address (<c>0.0.0.0</c>,
    /// <c>[::]</c>) owns its port on every address of the machine, all of <c>127.0.0.0/8</c> included.
    /// </summary>
    /// <param name="endPoint">Never IPv4-mapped: IPv4 destinations come as IPv4.</param>
    bool Contains(IPEndPoint endPoint);
}

/// <summary>For a process that listens nowhere (commands, tests).</summary>
internal sealed class NoOwnListeners : IOwnListeners
{
    public bool Contains(IPEndPoint endPoint) => false;
}
