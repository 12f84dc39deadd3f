using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// Takes records from requests and writes them in the background, many at a time. A request never waits for the log: what does not fit into
/// the bounded queue is dropped and counted.
/// </summary>
internal sealed partial class AccessLog : BackgroundService
{
    /// <summary>Bound of the queue in bytes rather than records, because a client chooses how long its record gets.</summary>
    public const int MaxQueuedBytes = 16 * 1024 * 1024;

    private const int BatchBytes = 64 * 1024;

    private readonly Channel<ArraySegment<byte>> _queue = Channel.CreateUnbounded<ArraySegment<byte>>(new() { SingleReader = true });
    private readonly byte[] _batch = new byte[BatchBytes];
    private readonly AccessLogSink _sink;
    private readonly AccessLogMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<AccessLog> _logger;
    private readonly IDisposable? _changes;
    private long _queuedBytes;
    private volatile bool _on;
    private volatile bool _failing;

    public AccessLog(
        IOptionsMonitor<TelemetryOptions> options, AccessLogSink sink, AccessLogMetrics metrics, TimeProvider time, ILogger<AccessLog> logger)
    {
        _sink = sink;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _on = options.CurrentValue.AccessLog.Path.Length > 0;
        _changes = options.OnChange(changed => _on = changed.AccessLog.Path.Length > 0);
    }

    /// <summary>Takes the record of an exchange; without a context at the end of a tunnel that has outlived its request.</summary>
    public void Write(HttpContext? context, Exchange exchange, in ExchangeOutcome outcome)
    {
        if (!_on)
        {
            return;
        }

        var line = AccessLogRecord.Format(context, exchange, outcome, _time.GetUtcNow());
        if (Interlocked.Add(ref _queuedBytes, line.Length) > MaxQueuedBytes)
        {
            Interlocked.Add(ref _queuedBytes, -line.Length);
            _metrics.QueueFull();
            return;
        }

        var copy = ArrayPool<byte>.Shared.Rent(line.Length);
        line.CopyTo(copy);
        if (!_queue.Writer.TryWrite(new ArraySegment<byte>(copy, 0, line.Length)))
        {
            ArrayPool<byte>.Shared.Return(copy);
            _metrics.QueueFull(); // the log has been closed: shutdown is over
        }
    }

    /// <summary>Closes the queue and waits until all of it is written. The host stops the server before this service, so nothing comes after.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        if (ExecuteTask is { } writing)
        {
            try
            {
                await writing.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                LogNotFlushed(Interlocked.Read(ref _queuedBytes));
            }
        }

        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _changes?.Dispose();
        _sink.Dispose();
        base.Dispose();
    }

    // Ends with the queue and not with the token: what was taken is written.
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var reader = _queue.Reader;
        while (await reader.WaitToReadAsync(CancellationToken.None))
        {
            var length = 0;
            var records = 0;
            while (reader.TryPeek(out var line) && (length == 0 || length + line.Count <= BatchBytes))
            {
                reader.TryRead(out _);
                if (line.Count > BatchBytes)
                {
                    await WriteAsync(line, 1);
                }
                else
                {
                    line.AsSpan().CopyTo(_batch.AsSpan(length));
                    length += line.Count;
                    records++;
                }

                Interlocked.Add(ref _queuedBytes, -line.Count);
                ArrayPool<byte>.Shared.Return(line.Array!);
            }

            if (length > 0)
            {
                await WriteAsync(_batch.AsMemory(0, length), records);
            }
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, int records)
    {
        try
        {
            await _sink.WriteAsync(bytes);
            _failing = false;
        }
        catch (Exception e) // whatever it is, the next batch gets its own chance
        {
            _metrics.NotWritten(records);
            if (!_failing)
            {
                _failing = true; // said once until it works again: a full disk must not fill the other log
                LogWriteFailed(e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The access log cannot be written; records are lost and counted until it can be.")]
    private partial void LogWriteFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The access log was not written out in time; {Bytes} bytes of it are lost.")]
    private partial void LogNotFlushed(long bytes);
}
