using Microsoft.Extensions.Options;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>Where the access log goes at the moment. Used by its one writer only; follows the configuration from one batch to the next.</summary>
internal sealed class AccessLogSink(IOptionsMonitor<TelemetryOptions> options, DataDirectory directory, TimeProvider time) : IDisposable
{
    private string? _path;
    private RotatingFile? _file;
    private Stream? _standardOutput;
    private volatile bool _isDisposed;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> lines)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this); // a file must not appear again after the gateway's end
        var current = options.CurrentValue.AccessLog;
        if (current.Path.Length == 0)
        {
            return; // not to a file, or turned off while records were under way
        }

        if (current.Path == AccessLogOptions.StandardOutput)
        {
            Close();
            _standardOutput ??= Console.OpenStandardOutput();
            await _standardOutput.WriteAsync(lines);
            await _standardOutput.FlushAsync();
            return;
        }

        if (_file is null || current.Path != _path)
        {
            var opened = new RotatingFile(directory.Resolve(current.Path), time);
            Close();
            (_file, _path) = (opened, current.Path);
        }

        try
        {
            await _file.WriteAsync(lines, current);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Close(); // the next batch opens it anew: a disk may come back
            throw;
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        Close();
    }

    private void Close()
    {
        _file?.Dispose();
        _file = null;
    }
}
