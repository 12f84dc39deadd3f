namespace PyProxy.Gateway.Traffic;

/// <summary>
/// Connection feature of the transport, on connections that carry one request at a time: what a client asks next, right behind a refusal for want
/// of time, stays unread for a while. A refusal costs much of what an answer costs, so who asks again at once would take the time that the others'
/// answers need.
/// </summary>
internal interface IRefusedConnectionFeature
{
    /// <summary>Has the connection read again only after a pause: 250 ms, and twice the last one where the client was refused right behind it, up to 4 s.</summary>
    void PauseReceiving();
}
