using System.Diagnostics;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using PyProxy.Gateway.Telemetry.Log;

namespace PyProxy.Gateway.Telemetry.Traces;

/// <summary>
/// Does to the attributes of spans what the access log's <c>Drop</c>, <c>Mask</c> and <c>Hash</c> do to the fields that say the same. Stands in front of
/// the exporter, so that no span goes out another way; only spans that are recorded come here.
/// </summary>
internal sealed class SpanPrivacy : BaseProcessor<Activity>
{
    private const string Method = "http.request.method";
    private const string Path = "url.path";
    private const string Route = "pyproxy.route";

    private static readonly (string Tag, AccessLogField Field)[] Fields =
    [
        ("client.address", AccessLogField.Client),
        ("enduser.id", AccessLogField.User),
        ("pyproxy.authentication.scheme", AccessLogField.AuthScheme),
        (Method, AccessLogField.Method),
        (Path, AccessLogField.Target),
        ("server.address", AccessLogField.Target),
        ("dns.question.name", AccessLogField.Target),
        ("network.peer.address", AccessLogField.Target),
        ("pyproxy.decided_by", AccessLogField.DecidedBy),
        (Route, AccessLogField.Route),
        ("pyproxy.cluster", AccessLogField.Cluster),
        ("pyproxy.destination", AccessLogField.Destination),
    ];

    private readonly IDisposable? _changes;
    private volatile RecordFields? _fields;

    public SpanPrivacy(IOptionsMonitor<TelemetryOptions> options)
    {
        _fields = Of(options.CurrentValue.AccessLog);
        _changes = options.OnChange(changed => _fields = Of(changed.AccessLog));
    }

    public override void OnEnd(Activity data)
    {
        if (_fields is not { } fields)
        {
            return;
        }

        var method = data.GetTagItem(Method);
        foreach (var (tag, field) in Fields)
        {
            if (!fields.IsPlain(field) && data.GetTagItem(tag) is string value)
            {
                data.SetTag(tag, tag == Path && fields.IsMasked(field) ? null : fields.Apply(field, value)); // masked, a target is its scheme and host
            }
        }

        if (method is not null && !(fields.IsPlain(AccessLogField.Method) && fields.IsPlain(AccessLogField.Route)))
        {
            data.DisplayName = Name(data);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _changes?.Dispose();
        base.Dispose(disposing);
    }

    // By OpenTelemetry's convention the method and the route, and HTTP where the method is not told.
    private static string Name(Activity span)
    {
        var method = span.GetTagItem(Method) as string ?? "HTTP";
        return span.GetTagItem(Route) is string route ? $"{method} {route}" : method;
    }

    private static RecordFields? Of(AccessLogOptions options)
        => options.Drop.Length + options.Mask.Length + options.Hash.Length > 0 ? new RecordFields(options) : null;
}
