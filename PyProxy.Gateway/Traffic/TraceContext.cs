namespace PyProxy.Gateway.Traffic;

/// <summary>What is done about the trace context (W3C <c>traceparent</c>, <c>tracestate</c>, <c>baggage</c>) that clients send.</summary>
internal enum TraceContext
{
    /// <summary>The client's trace goes on, and its choice to record it counts.</summary>
    Continue = 0,

    /// <summary>A trace begins here, by the gateway's own sampling.</summary>
    New,
}
