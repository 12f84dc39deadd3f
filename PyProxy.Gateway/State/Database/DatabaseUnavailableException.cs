namespace PyProxy.Gateway.State.Database;

/// <summary>The database cannot be asked now. Not a mistake of whoever asks: they go on without it, or say so.</summary>
internal sealed class DatabaseUnavailableException : Exception
{
    public DatabaseUnavailableException()
    {
    }

    public DatabaseUnavailableException(string message)
        : base(message)
    {
    }

    public DatabaseUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
