using System.Globalization;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>
/// A file that is appended to, set aside as <c>NAME.1</c> when it has become too long or too old, and begun anew. What is no ordinary file (a
/// pipe, a device) is only written to.
/// </summary>
internal sealed class RotatingFile : IDisposable
{
    private readonly string _path;
    private readonly TimeProvider _time;
    private FileStream _stream;
    private long _period;

    public RotatingFile(string path, TimeProvider time)
    {
        _path = path;
        _time = time;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _stream = Open(path);
        _period = -1;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> lines, AccessLogOptions options)
    {
        if (_stream.CanSeek)
        {
            if (!File.Exists(_path))
            {
                Reopen(); // somebody else has set it aside
            }
            else if (IsOver(lines.Length, options))
            {
                SetAside(options.KeepFiles);
                Reopen();
            }
        }

        await _stream.WriteAsync(lines);
        await _stream.FlushAsync();
    }

    public void Dispose() => _stream.Dispose();

    // No buffer of its own: the writer hands over batches, and a record that was written must not wait for the next.
    private static FileStream Open(string path)
        => new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private bool IsOver(int more, AccessLogOptions options)
    {
        var length = _stream.Length;
        var period = options.RotateInterval > TimeSpan.Zero ? _time.GetUtcNow().Ticks / options.RotateInterval.Ticks : -1;
        if (_period < 0 && period >= 0)
        {
            // Begun by an earlier run, perhaps in an earlier period.
            _period = length > 0 ? File.GetLastWriteTimeUtc(_path).Ticks / options.RotateInterval.Ticks : period;
        }

        var isNewPeriod = period >= 0 && period != _period;
        _period = period;
        return length > 0 && (isNewPeriod || (options.RotateBytes > 0 && length + more > options.RotateBytes));
    }

    private void SetAside(int keep)
    {
        for (var number = keep; number > 0; number--)
        {
            var from = number == 1 ? _path : Numbered(number - 1);
            if (File.Exists(from))
            {
                File.Move(from, Numbered(number), overwrite: true);
            }
        }
    }

    private string Numbered(int number) => string.Create(CultureInfo.InvariantCulture, $"{_path}.{number}");

    private void Reopen()
    {
        var opened = Open(_path);
        _stream.Dispose();
        _stream = opened;
    }
}
