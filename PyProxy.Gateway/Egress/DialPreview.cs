using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>Where a connection would lead.</summary>
/// <param name="Addresses">What the name resolves to.</param>
/// <param name="Dialed">Those that would be dialed.</param>
/// <param name="Error">Why none would be; <see langword="null"/> where one would.</param>
internal sealed record DialPreview(IReadOnlyList<IPAddress> Addresses, List<IPEndPoint> Dialed, ProxyError? Error);
