using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Users.Import;

/// <summary>One line of a file to be imported, read.</summary>
/// <param name="Number">Of the line, from 1.</param>
internal sealed record UserImportLine(int Number)
{
    /// <summary>What is wrong, without the line's text; <see langword="null"/> where nothing is.</summary>
    public string? Mistake { get; init; }

    /// <summary>The user; without a hash where <see cref="ClearPassword"/> has yet to be hashed.</summary>
    public UserRecord? User { get; init; }

    public string? ClearPassword { get; init; }
}
