using System.Net;

namespace PyProxy.Gateway.Traffic;

/// <summary>
/// What rules say of the addresses of one exchange's destination, settled as far as it can be before they are known. Connections that were made
/// under one condition serve exchanges with an equal one, and no others.
/// </summary>
internal interface IAddressCondition : IEquatable<IAddressCondition>
{
    /// <summary>Takes out what may not be dialed; where nothing is left, says why.</summary>
    ProxyError? Vet(List<IPEndPoint> endPoints);
}
