namespace PyProxy.Gateway.Traffic;

/// <summary>Told of every try to have an exchange's destination answer, one after the other.</summary>
internal interface IUpstreamObserver
{
    /// <param name="request">As it is about to be sent; <see langword="null"/> for the connection of a tunnel.</param>
    void OnSending(HttpRequestMessage? request);

    /// <summary>The head of the answer is there, or there will be none. Without effect where nothing is being tried.</summary>
    /// <param name="status"><see langword="null"/> where there is no answer.</param>
    void OnAnswered(int? status);
}
