namespace PyProxy.Gateway.Filtering.Lists.Sources;

/// <summary>What a source said about the version that was had of it, to ask later whether there is a newer one.</summary>
/// <param name="ETag">As the server wrote it.</param>
/// <param name="LastModified">As the server wrote it.</param>
internal sealed record ListVersion(string? ETag, string? LastModified)
{
    public static ListVersion None { get; } = new(ETag: null, LastModified: null);
}

/// <summary>Where a list comes from.</summary>
internal interface IListSource
{
    /// <summary>Copies the list, as text, within the bounds that the list has.</summary>
    /// <param name="destination">Receives the text.</param>
    /// <param name="known">The version that is there already; <see langword="null"/> where there is none.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The version that was copied; <see langword="null"/> when the known one is still the newest.</returns>
    Task<ListVersion?> CopyToAsync(Stream destination, ListVersion? known, CancellationToken cancellationToken);

    /// <summary>Waits until it is time to look again.</summary>
    /// <param name="failures">How many attempts in a row have failed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task WaitAsync(int failures, CancellationToken cancellationToken);
}
