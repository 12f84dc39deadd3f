using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>A span as it came.</summary>
internal sealed record ReceivedSpan(string Service, string TraceId, string SpanId, string ParentId, string Name, int Kind, ulong Start, ulong End, IReadOnlyDictionary<string, string> Tags, bool IsError);

/// <summary>A log record as it came.</summary>
internal sealed record ReceivedLog(string Service, string TraceId, string Body, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A collector that speaks OTLP over gRPC and over HTTP, on a free port each, and keeps what it is sent.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpReceiver(WebApplication app) => _app = app;

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = new();

    public ConcurrentQueue<ReceivedLog> Logs { get; } = new();

    public ConcurrentDictionary<string, byte> Metrics { get; } = new(StringComparer.Ordinal);

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = TestHost.CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/{signal}", receiver.OnHttpAsync);
        app.MapPost("/opentelemetry.proto.collector.{signal}.v1.{service}/Export", receiver.OnGrpcAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <param name="protocol"><c>grpc</c> or <c>http/protobuf</c>, as the standard variable has it.</param>
    public string Endpoint(string protocol)
        => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(protocol == "grpc" ? 1 : 0);

    /// <summary>The configuration that sends everything here, at once. Standard variables are keys at the top.</summary>
    public string Settings(string protocol, string sampler = "parentbased_always_on") => $"""
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{Endpoint(protocol)}", "OTEL_EXPORTER_OTLP_PROTOCOL": "{protocol}", "OTEL_TRACES_SAMPLER": "{sampler}",
        "OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_BLRP_SCHEDULE_DELAY": "20", "OTEL_METRIC_EXPORT_INTERVAL": "50", "OTEL_SERVICE_NAME": "gateway-under-test",
        """;

    public async Task<ReceivedSpan> SpanAsync(Func<ReceivedSpan, bool> condition)
    {
        await Poll.UntilAsync(() => new(Spans.Any(condition)));
        return Spans.First(condition);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task OnHttpAsync(HttpContext context, string signal)
    {
        Take(signal, await ReadAsync(context));
        context.Response.ContentType = "application/x-protobuf";
    }

    private async Task OnGrpcAsync(HttpContext context, string signal)
    {
        Take(signal, (await ReadAsync(context))[5..]); // one uncompressed message
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted); // an empty one
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    private void Take(string signal, byte[] message)
    {
        foreach (var resource in new ProtoMessage(message).Messages(1))
        {
            var service = resource.Message(1).Attributes(1).GetValueOrDefault("service.name", "");
            foreach (var item in resource.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                switch (signal)
                {
                    case "traces" or "trace":
                        Spans.Enqueue(new ReceivedSpan(
                            service, item.Hex(1), item.Hex(2), item.Hex(4), item.Text(5), (int)item.Number(6), (ulong)item.Number(7), (ulong)item.Number(8), item.Attributes(9), item.Message(15).Number(3) == 2));
                        break;
                    case "logs":
                        Logs.Enqueue(new ReceivedLog(service, item.Hex(9), item.Message(5).Text(1), item.Attributes(6)));
                        break;
                    default:
                        Metrics[item.Text(1)] = 0;
                        break;
                }
            }
        }
    }

    /// <summary>A message of protocol buffers without its schema: fields by number.</summary>
    private sealed class ProtoMessage
    {
        private readonly ILookup<int, object> _fields;

        public ProtoMessage(byte[] bytes)
        {
            var fields = new List<(int Number, object Value)>();
            using var input = new CodedInputStream(bytes);
            while (input.ReadTag() is not 0 and var tag)
            {
                fields.Add(((int)(tag >> 3), (tag & 7) switch
                {
                    0 => input.ReadUInt64(),
                    1 => input.ReadFixed64(),
                    2 => input.ReadBytes().ToByteArray(),
                    _ => (ulong)input.ReadFixed32(),
                }));
            }

            _fields = fields.ToLookup(field => field.Number, field => field.Value);
        }

        public IEnumerable<ProtoMessage> Messages(int number) => _fields[number].Select(value => new ProtoMessage((byte[])value));

        public ProtoMessage Message(int number) => Messages(number).FirstOrDefault() ?? new ProtoMessage([]);

        public string Text(int number) => System.Text.Encoding.UTF8.GetString(Bytes(number));

        public string Hex(int number) => Convert.ToHexStringLower(Bytes(number));

        public ulong Number(int number) => _fields[number].OfType<ulong>().FirstOrDefault();

        public Dictionary<string, string> Attributes(int number) => Messages(number).ToDictionary(pair => pair.Text(1), pair => pair.Message(2).AnyText());

        private byte[] Bytes(int number) => (byte[]?)_fields[number].FirstOrDefault() ?? [];

        private string AnyText() => _fields[1].Any() ? Text(1) : _fields.SelectMany(field => field).OfType<ulong>().FirstOrDefault().ToString(provider: null);
    }
}
