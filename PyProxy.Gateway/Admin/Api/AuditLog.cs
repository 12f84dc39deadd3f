using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// Who changed what through the admin API, from where, and what it was before and after, and who was refused; without secrets. In a file of its
/// own and in the log, so that losing one of them loses nothing.
/// </summary>
internal sealed partial class AuditLog(
    IOptionsMonitor<AdminOptions> options, DataDirectory directory, AdminMetrics metrics, Readiness readiness, TimeProvider time, ILogger<AuditLog> logger)
    : IDisposable
{
    private const string DegradedPart = "audit_log";

    // Names of users are at most 256 characters; whoever is refused may have sent anything.
    private const int LongestPath = 512;

    // Relaxed, because a log is no web page; what steers a terminal is escaped all the same.
    private static readonly JsonSerializerOptions Json = new(AdminJson.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>Records one call that was to change something; waits until the record is on the disk.</summary>
    public Task RecordAsync(HttpContext context, AuditedChange change, int status)
    {
        metrics.Changed(status);
        return WriteAsync(RecordOf(context, status) with
        {
            Before = SecretRedaction.Redact(ToNode(change.Before)),
            After = SecretRedaction.Redact(ToNode(change.After)),
        });
    }

    /// <summary>Records one call that was refused.</summary>
    public Task RecordRefusalAsync(HttpContext context, int status, string? reason, long omitted)
        => WriteAsync(RecordOf(context, status) with { Refused = reason ?? "No accepted token.", Omitted = omitted == 0 ? null : omitted });

    public void Dispose() => _oneAtATime.Dispose();

    private static System.Text.Json.Nodes.JsonNode? ToNode(object? value) => value is null ? null : JsonSerializer.SerializeToNode(value, AdminJson.Options);

    private AuditRecord RecordOf(HttpContext context, int status)
    {
        var exchange = Exchange.Of(context);
        var path = context.Request.Path.Value ?? "";
        return new AuditRecord(
            time.GetUtcNow(),
            exchange.Id,
            exchange.User,
            exchange.ClientAddress?.ToString(),
            $"{context.Request.Method} {(path.Length <= LongestPath ? path : path[..LongestPath])}",
            status);
    }

    private async Task WriteAsync(AuditRecord record)
    {
        var line = JsonSerializer.Serialize(record, Json);
        LogChange(line);
        if (options.CurrentValue.AuditLog is { Length: > 0 } path)
        {
            await AppendAsync(directory.Resolve(path), line);
        }
    }

    private async Task AppendAsync(string file, string record)
    {
        await _oneAtATime.WaitAsync();
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            await stream.WriteAsync(Encoding.UTF8.GetBytes(record + "\n"));
            stream.Flush(flushToDisk: true);
            readiness.Restore(DegradedPart);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The change has been made; what can be done is to say loudly that its record is in the log alone.
            metrics.AuditFailed();
            readiness.Degrade(DegradedPart, "Changes through the admin API are recorded in the log only; their file cannot be written.");
            LogNotWritten(file, e);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Record}")]
    private partial void LogChange(string record);

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log {File} cannot be written; its records are in this log only.")]
    private partial void LogNotWritten(string file, Exception exception);

    private sealed record AuditRecord(DateTimeOffset Time, string Id, string? Who, string? From, string What, int Status)
    {
        public object? Before { get; init; }

        public object? After { get; init; }

        /// <summary>Why the call was refused.</summary>
        public string? Refused { get; init; }

        /// <summary>How many refused calls before this one left no record.</summary>
        public long? Omitted { get; init; }
    }
}
