using System.Diagnostics;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>A named pipe in the file system that nobody reads until <see cref="Drain"/>.</summary>
internal sealed class Fifo : IDisposable
{
    private readonly TemporaryDirectory _directory = new("fifo");
    private Task? _reading;

    public Fifo()
    {
        Path = System.IO.Path.Combine(_directory.Path, "log");
        using var mkfifo = Process.Start("mkfifo", Path);
        mkfifo.WaitForExit();
    }

    public string Path { get; }

    public void Drain() => _reading = Task.Run(async () =>
    {
        await using var stream = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        await stream.CopyToAsync(Stream.Null);
    });

    public void Dispose() => _directory.Dispose();
}
