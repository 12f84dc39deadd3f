using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>
/// Takes records from requests and writes them in the background, many at a time. A request never waits for the log: what does not fit into
/// the bounded queue is dropped and counted.
/// </summary>
internal sealed partial class AccessLog : BackgroundService, IAsyncDisposable
{
    /// <summary>Bound of the queue in bytes rather than records, because a client chooses how long its record gets.</summary>
    public const int MaxQueuedBytes = 16 * 1024 * 1024;

    private const int BatchBytes = 64 * 1024;

    // Between two batches: a writer that waits at every record is woken for every record, which costs each request several microseconds.
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);

    // For a host that is disposed of without having been stopped; a destination that hangs must not hold it up for ever.
    private static readonly TimeSpan DisposePatience = TimeSpan.FromSeconds(5);

    // A record is a few hundred bytes; what one long one has grown is not kept for ever.
    private const int MaxKeptBuffer = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    private readonly Channel<ArraySegment<byte>> _queue = Channel.CreateUnbounded<ArraySegment<byte>>(new() { SingleReader = true });
    private readonly byte[] _batch = new byte[BatchBytes];
    private readonly AccessLogSink _sink;
    private readonly OtlpRecords? _otlp;
    private readonly AccessLogMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<AccessLog> _logger;
    private readonly IDisposable? _changes;
    private long _queuedBytes;
    private volatile RecordFields? _fields;
    private volatile bool _failing;
    private bool _isStopped;

    public AccessLog(
        IOptionsMonitor<TelemetryOptions> options, AccessLogSink sink, IConfiguration configuration, AccessLogMetrics metrics, TimeProvider time,
        ILogger<AccessLog> logger)
    {
        _sink = sink;
        var sends = options.CurrentValue.AccessLog.Otlp && !OtlpSignals.IsForbidden(configuration, OtlpSignals.Logs);
        _otlp = sends ? new OtlpRecords(configuration, metrics) : null;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _fields = FieldsOf(options.CurrentValue.AccessLog);
        _changes = options.OnChange(changed => _fields = FieldsOf(changed.AccessLog));
        metrics.ObserveQueue(() => QueuedBytes);
    }

    /// <summary>What waits to be written.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    /// <summary>Takes the record of an exchange; without a context at the end of a tunnel that has outlived its request.</summary>
    public void Write(HttpContext? context, Exchange exchange, in ExchangeOutcome outcome)
    {
        if (_fields is { } fields && (fields.Probes || !ProbeMetadata.IsOn(context, exchange, outcome)))
        {
            Write(new AccessRecord(context, exchange, outcome, _time.GetUtcNow(), IsInterim: false), fields);
        }
    }

    /// <summary>Takes a record of how a tunnel stands that is still open.</summary>
    public void WriteInterim(Exchange exchange, in ExchangeOutcome outcome)
    {
        if (_fields is { Format: AccessLogFormat.Json } fields)
        {
            Write(new AccessRecord(Context: null, exchange, outcome, _time.GetUtcNow(), IsInterim: true), fields);
        }
    }

    private void Write(in AccessRecord record, RecordFields fields)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        buffer.ResetWrittenCount();
        if (fields.Format == AccessLogFormat.Json)
        {
            JsonRecord.Write(buffer, record, fields);
        }
        else
        {
            CombinedRecord.Write(buffer, record, fields);
        }

        _metrics.Taken();
        Enqueue(buffer.WrittenSpan);
        if (buffer.Capacity > MaxKeptBuffer)
        {
            _buffer = null;
        }
    }

    private void Enqueue(ReadOnlySpan<byte> line)
    {
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
        _isStopped = true;
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
        _otlp?.Dispose(); // sends what it has taken
    }

    /// <summary>Stops it where the host did not, so that nothing is written behind its end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isStopped)
        {
            using var enough = new CancellationTokenSource(DisposePatience);
            await StopAsync(enough.Token);
        }

        Dispose();
    }

    public override void Dispose()
    {
        _changes?.Dispose();
        _sink.Dispose();
        _otlp?.Dispose();
        base.Dispose();
    }

    private RecordFields? FieldsOf(AccessLogOptions options)
        => options.Format != AccessLogFormat.Off && (options.Path.Length > 0 || _otlp is not null) ? new RecordFields(options) : null;

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

            if (!reader.TryPeek(out _))
            {
                await Task.Delay(Gathering, TimeProvider.System, CancellationToken.None); // real time: it is about threads, not about records
            }
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, int records)
    {
        _otlp?.Send(bytes.Span);
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
