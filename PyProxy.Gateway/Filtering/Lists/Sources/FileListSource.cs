namespace PyProxy.Gateway.Filtering.Lists.Sources;

/// <summary>
/// A file, looked at every second rather than watched: that also sees a rename over it, a symbolic link on the way that now points elsewhere, and
/// network file systems. A change is taken up once the file has stood still for one look, so that one which is being written is not read half.
/// </summary>
internal sealed class FileListSource(string path, long maxBytes, TimeProvider time) : IListSource
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private Stamp _copied;

    public async Task<ListVersion?> CopyToAsync(Stream destination, ListVersion? known, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            BufferSize = 0,
        };
        _copied = default;
        await using var file = new FileStream(path, options);
        _copied = Stamp.Of(file);
        await BoundedCopy.RunAsync(file, destination, maxBytes, cancellationToken);
        return ListVersion.None;
    }

    public async Task WaitAsync(int failures, CancellationToken cancellationToken)
    {
        var last = _copied;
        while (true)
        {
            await Task.Delay(Interval, time, cancellationToken);
            var now = Stamp.Of(path);
            if (now != _copied && now == last && now != default)
            {
                return;
            }

            last = now;
        }
    }

    /// <summary>When the file was written and how long it is; <see langword="default"/> while it cannot be opened.</summary>
    private readonly record struct Stamp(DateTime Written, long Length)
    {
        public static Stamp Of(string path)
        {
            try
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                return Of(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return default; // said already when it was to be copied; here it only means: not yet
            }
        }

        public static Stamp Of(FileStream file) => new(File.GetLastWriteTimeUtc(file.SafeFileHandle), file.Length);
    }
}
