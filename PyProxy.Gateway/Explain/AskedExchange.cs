using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>A question, as the stages of the pipeline see exchanges: they cannot tell it from a request on its way.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Context">The request; it has no connection and answers nobody.</param>
/// <param name="Exchange">What the gateway knows of it.</param>
/// <param name="At">When it is asked.</param>
/// <param name="Addresses">What the host is supposed to resolve to; <see langword="null"/> = to be resolved.</param>
internal sealed record AskedExchange(
    Question Question, HttpContext Context, Exchange Exchange, DateTimeOffset At, IReadOnlyList<IPAddress>? Addresses);
