using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace PyProxy.Gateway.Commands;

/// <summary>What <c>origin</c> serves.</summary>
internal static class SampleOrigin
{
    private const int ChunkSize = 64 * 1024;
    private const int Events = 5;
    private static readonly TimeSpan EventInterval = TimeSpan.FromMilliseconds(200);
    private static readonly byte[] Chunk = new byte[ChunkSize];

    public static WebApplication Build(int port, IPAddress? address = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear(); // the gateway's own file and variables say nothing about the origin
        builder.Configuration.AddInMemoryCollection();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Limits.MaxRequestBodySize = null); // it is there to try large uploads, too
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://{new IPEndPoint(address ?? IPAddress.Loopback, port)}"));

        var app = builder.Build();
        app.UseWebSockets();
        app.MapGet("/", () => "Hello from the sample origin.\n");
        app.Map("/echo", Echo);
        app.MapGet("/bytes/{count:long:min(0)}", BytesAsync);
        app.Map("/status/{code:int:range(200,599)}", (int code) => TypedResults.StatusCode(code));
        app.MapGet("/slow/{milliseconds:int:range(0,3600000)}", SlowAsync);
        app.MapGet("/sse", (CancellationToken aborted) => TypedResults.ServerSentEvents(TicksAsync(aborted)));
        app.Map("/ws", WebSocketEchoAsync);
        return app;
    }

    private static async Task Echo(HttpContext context)
    {
        var request = context.Request;
        var bodyBytes = await CountAsync(request.Body, context.RequestAborted);
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.Body, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("method", request.Method);
        json.WriteString("target", context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget); // the bytes as they came
        json.WriteString("protocol", request.Protocol);
        json.WriteNumber("bodyBytes", bodyBytes);
        json.WriteStartObject("headers");
        foreach (var (name, value) in request.Headers)
        {
            json.WriteString(name, value.ToString());
        }

        json.WriteEndObject();
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private static async Task<long> CountAsync(Stream body, CancellationToken aborted)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            var total = 0L;
            int read;
            while ((read = await body.ReadAsync(buffer, aborted)) > 0)
            {
                total += read;
            }

            return total;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task BytesAsync(long count, HttpContext context)
    {
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = count;
        for (var left = count; left > 0; left -= ChunkSize)
        {
            await context.Response.Body.WriteAsync(Chunk.AsMemory(0, (int)Math.Min(left, ChunkSize)), context.RequestAborted);
        }
    }

    private static async Task<string> SlowAsync(int milliseconds, CancellationToken aborted)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), aborted);
        return string.Create(CultureInfo.InvariantCulture, $"After {milliseconds} ms.\n");
    }

    private static async IAsyncEnumerable<string> TicksAsync([EnumeratorCancellation] CancellationToken aborted)
    {
        for (var i = 1; i <= Events; i++)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"event {i} of {Events}");
            await Task.Delay(EventInterval, aborted);
        }
    }

    private static async Task WebSocketEchoAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var buffer = MemoryPool<byte>.Shared.Rent(ChunkSize);
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.Memory, context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.Memory[..received.Count], received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }
}
