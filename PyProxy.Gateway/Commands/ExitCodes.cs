namespace PyProxy.Gateway.Commands;

/// <summary>Exit codes, as <c>sysexits.h</c> numbers them.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    public const int Failure = 1;

    /// <summary>EX_USAGE: the command line makes no sense.</summary>
    public const int Usage = 64;

    /// <summary>EX_DATAERR: some of the input was not usable; it is named.</summary>
    public const int Data = 65;

    /// <summary>EX_NOUSER: there is no such user.</summary>
    public const int NoUser = 67;

    /// <summary>EX_UNAVAILABLE: the database does not answer. Trying again later may help.</summary>
    public const int Unavailable = 69;

    /// <summary>EX_CONFIG: the configuration is wrong. A supervisor need not try again.</summary>
    public const int Configuration = 78;

    /// <summary>128 and SIGINT's number, as shells say that somebody pressed Ctrl+C.</summary>
    public const int Interrupted = 130;
}
