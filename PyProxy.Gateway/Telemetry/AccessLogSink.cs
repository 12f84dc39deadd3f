using Microsoft.Extensions.Options;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Where the access log goes at the moment. Used by its one writer only; follows the configuration from one batch to the next.</summary>
internal sealed class AccessLogSink(IOptionsMonitor<TelemetryOptions> options, DataDirectory directory) : IDisposable
{
    private string? _path;
    private Stream? _stream;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> lines)
    {
        var path = options.CurrentValue.AccessLog.Path;
        if (path.Length == 0)
        {
            return; // turned off while records were under way
        }

        if (_stream is null || path != _path)
        {
            var opened = Open(path);
            Close();
            (_stream, _path) = (opened, path);
        }

        try
        {
            await _stream.WriteAsync(lines);
            await _stream.FlushAsync();
        }
        catch (IOException)
        {
            Close(); // the next batch opens it anew: a disk may come back
            throw;
        }
    }

    public void Dispose() => Close();

    private void Close()
    {
        _stream?.Dispose();
        _stream = null;
    }

    private Stream Open(string path)
    {
        if (path == AccessLogOptions.StandardOutput)
        {
            return Console.OpenStandardOutput();
        }

        var file = directory.Resolve(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);

        // No buffer of its own: the writer hands over batches, and a record that was written must not wait for the next.
        return new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }
}
