using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>The bodies of refusals in the operator's words, where there are such. Templates are read again when their files change.</summary>
internal sealed partial class RefusalPages(IOptionsMonitor<RefusalPageOptions> options, TimeProvider time, ILogger<RefusalPages> logger)
{
    // By file; files are named by the configuration only.
    private readonly ConcurrentDictionary<string, TemplateFile> _files = new(StringComparer.Ordinal);

    /// <summary>The error with the sentence that the client is to read.</summary>
    public ProxyError InOperatorsWords(ProxyError error)
        => !error.IsOperatorsText
            && options.CurrentValue.Messages is { Count: > 0 } messages
            && messages.TryGetValue(error.Status.ToString(CultureInfo.InvariantCulture), out var message)
            ? error with { Detail = message, IsOperatorsText = true }
            : error;

    public ReadOnlyMemory<byte> Html(ProxyError error, Exchange exchange, HttpContext context)
    {
        var current = options.CurrentValue;
        if ((error.Page ?? current.Template) is { } path && Current(path) is { } template)
        {
            return Encoding.UTF8.GetBytes(template.Render(name => ValueOf(name, error, exchange, context, current.Contact)));
        }

        return RefusalBody.Html(error, exchange.Id, HostOf(exchange, context), current.Contact);
    }

    private string? ValueOf(string name, ProxyError error, Exchange exchange, HttpContext context, string? contact) => name switch
    {
        "status" => error.Status.ToString(CultureInfo.InvariantCulture),
        "title" => RefusalBody.TitleOf(error),
        "reason" => error.Detail,
        "rule" => error.DecidedBy,
        "setting" => error.Setting,
        "decision" => exchange.Id,
        "host" => HostOf(exchange, context),
        "user" => exchange.User,
        "client" => exchange.ClientAddress?.ToString(),
        "contact" => contact,
        _ => time.GetUtcNow().ToString("u", CultureInfo.InvariantCulture),
    };

    private static string HostOf(Exchange exchange, HttpContext context) => exchange.Target?.Host ?? context.Request.Host.Host;

    /// <summary>The template as its file has it now, or had it last when it was a good one.</summary>
    private RefusalTemplate? Current(string path)
    {
        var file = _files.GetOrAdd(path, static (path, time) => new TemplateFile(path, time), time);
        if (file.Refresh() is { } refusal)
        {
            LogBadTemplate(path, refusal);
        }

        return file.Template;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The template {File} cannot be used: {Reason} The last good one stays.")]
    private partial void LogBadTemplate(string file, string reason);

    private sealed class TemplateFile(string path, TimeProvider time)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

        private readonly Lock _gate = new();
        private (DateTime Written, long Length)? _seen;
        private long _lookedAt;

        public RefusalTemplate? Template { get; private set; }

        /// <summary>Reads the file if it has changed since it was looked at, at most once a second.</summary>
        /// <returns>Why what is there now cannot be used; once for each change.</returns>
        public string? Refresh()
        {
            lock (_gate)
            {
                if (_seen is not null && time.GetElapsedTime(_lookedAt) < Patience)
                {
                    return null;
                }

                _lookedAt = time.GetTimestamp();
                var info = new FileInfo(path); // follows the links that a mounted volume swaps
                var target = info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;
                var now = target.Exists ? (target.LastWriteTimeUtc, target.Length) : (default, -1L);
                if (_seen == now)
                {
                    return null;
                }

                _seen = now;
                if (!RefusalTemplate.TryRead(path, out var template, out var refusal))
                {
                    return refusal;
                }

                Template = template;
                return null;
            }
        }
    }
}
