namespace PyProxy.Gateway.Filtering.Lists;

internal static partial class ListLog
{
    [LoggerMessage(1, LogLevel.Information, "List {List} is in force with {Entries} entries; {Unsupported} lines are not supported, {Invalid} are invalid{Which}.")]
    public static partial void InForce(ILogger logger, string list, int entries, long unsupported, long invalid, string which);

    [LoggerMessage(2, LogLevel.Information, "List {List}: the copy on disk is in force with {Entries} entries until the source is reached.")]
    public static partial void CopyInForce(ILogger logger, string list, int entries);

    [LoggerMessage(3, LogLevel.Warning, "List {List} could not be brought up to date: {Error}. The {Entries} entries of the last good one stay in force.")]
    public static partial void Stale(ILogger logger, string list, string error, int entries);

    [LoggerMessage(4, LogLevel.Error, "List {List} could not be loaded: {Error}. Until it is, it has no entries, and rules that name it match nothing by it.")]
    public static partial void Missing(ILogger logger, string list, string error);

    [LoggerMessage(5, LogLevel.Warning, "List {List}: the copy on disk cannot be used: {Error}.")]
    public static partial void CopyUnusable(ILogger logger, string list, string error);

    [LoggerMessage(8, LogLevel.Warning, "List {List}: its copy on disk could not be brought up to date: {Error}.")]
    public static partial void CopyNotKept(ILogger logger, string list, string error);

    [LoggerMessage(6, LogLevel.Error, "List {List} is no longer kept up to date; this is a bug.")]
    public static partial void KeeperFailed(ILogger logger, Exception exception, string list);

    [LoggerMessage(7, LogLevel.Debug, "List {List}: why bringing it up to date failed.")]
    public static partial void Reason(ILogger logger, Exception exception, string list);
}
