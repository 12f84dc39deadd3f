using System.Net;

namespace PyProxy.Gateway.Egress;

/// <summary>Turns names into addresses. The seam to the name service, which tests replace.</summary>
internal interface IResolver
{
    /// <summary>The addresses of a name, at least one, in the order in which they should be tried.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">
    /// The name has no address (<c>HostNotFound</c>, <c>NoData</c>), cannot be resolved just now (<c>TryAgain</c>), or took too long
    /// (<c>TimedOut</c>).
    /// </exception>
    ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken);
}
