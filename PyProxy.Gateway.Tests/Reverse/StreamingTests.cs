using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class StreamingTests
{
    private const int Megabyte = 1 << 20;
    private const int BodyMegabytes = 128;

    [Fact]
    public async Task ServerSentEvent_ArrivesBeforeTheNextIsWritten()
    {
        using var next = new SemaphoreSlim(0);
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/events", async (HttpContext context) =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < 3; i++)
            {
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
                await next.WaitAsync(context.RequestAborted);
            }
        }));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/events");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        for (var i = 0; i < 3; i++)
        {
            var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(ReverseGateway.Patience, TestContext.Current.CancellationToken);
            Assert.Equal($"data: {i}", line);
            await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            next.Release();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task LargeDownload_NeedsNoMemoryForItsSize(int version)
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app => app.MapGet("/big", static async (HttpContext context) =>
        {
            context.Response.ContentLength = (long)BodyMegabytes * Megabyte;
            var chunk = new byte[Megabyte];
            for (var i = 0; i < BodyMegabytes; i++)
            {
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
        }));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);
        using var request = Request(gateway, version, HttpMethod.Get, "/big");

        using var counter = new CountingStream();
        using var response = await gateway.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await response.Content.CopyToAsync(counter, TestContext.Current.CancellationToken);

        Assert.Equal((long)BodyMegabytes * Megabyte, counter.Length);
        AssertFlat(counter);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public async Task LargeUpload_HasNoHiddenLimitAndNeedsNoMemoryForItsSize(int version, bool knownLength)
    {
        using var counter = new CountingStream();
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapPost("/big", async (HttpContext context) =>
        {
            await context.Request.Body.CopyToAsync(counter, context.RequestAborted);        }));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);
        using var request = Request(gateway, version, HttpMethod.Post, "/big");
        request.Content = new ZeroContent(BodyMegabytes, knownLength);

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((long)BodyMegabytes * Megabyte, counter.Length);
        AssertFlat(counter);
    }

    [Fact]
    public async Task RouteThatLimitsBodies_RefusesLargerOnes()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address, ("Routes:all:MaxRequestBodySize", "10"));
        using var request = Request(gateway, 1, HttpMethod.Post, "/");
        request.Content = new StringContent(new string('x', 11));

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task ExpectedContinue_ComesFromTheOrigin()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app =>
        {
            app.MapPost("/take", static context => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted));
            app.MapPost("/refuse", static () => Results.StatusCode(StatusCodes.Status417ExpectationFailed));
        });
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        Assert.Equal((HttpStatusCode.OK, "hello"), await PostAsync("/take"));
        Assert.Equal(HttpStatusCode.ExpectationFailed, (await PostAsync("/refuse")).Status);

        async Task<(HttpStatusCode Status, string Body)> PostAsync(string path)
        {
            using var request = Request(gateway, 1, HttpMethod.Post, path);
            request.Headers.ExpectContinue = true;
            request.Content = new StringContent("hello");
            using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task OriginThatStaysSilent_TimesOutAsItsClusterSays()
    {
        var never = new TaskCompletionSource();
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/slow", () => never.Task));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address, ("Clusters:one:HttpRequest:ActivityTimeout", "00:00:00.2"));

        using var response = await gateway.GetAsync("/slow");
        never.SetResult();

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("http_response_timeout", gateway.LastExchange!.Error?.Token);
    }

    [Theory]
    [InlineData(1, "1.1", "HTTP/1.1")]
    [InlineData(1, "2", "HTTP/2")]
    [InlineData(2, "2", "HTTP/2")]
    [InlineData(2, "1.1", "HTTP/1.1")]
    public async Task HttpVersionOfTheCluster_IsSpokenWhateverTheClientSpeaks(int clientVersion, string originVersion, string expected)
    {
        await using var origin = await OriginServer.StartAsync(protocols: originVersion == "2" ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Clusters:one:HttpRequest:Version", originVersion), ("Clusters:one:HttpRequest:VersionPolicy", "RequestVersionExact"));
        using var request = Request(gateway, clientVersion, HttpMethod.Get, "/a%2Fb");

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("origin", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((expected, "/a%2Fb"), (origin.LastRequest.Protocol, origin.LastRequest.Target));
        Assert.Equal($"{(clientVersion == 2 ? "2.0" : "1.1")} gateway-test", origin.LastRequest["Via"]);
    }

    /// <summary>
    /// The whole process, client and origin and what other tests do meanwhile included, needs far less than the body: nothing holds it, nor a
    /// part that grows with it.
    /// </summary>
    private static void AssertFlat(CountingStream counter) => Assert.InRange(counter.PeakGrowth, 0, BodyMegabytes / 2L * Megabyte);

    private static HttpRequestMessage Request(ReverseGateway gateway, int version, HttpMethod method, string path)
        => new(method, new Uri(version == 2 ? gateway.Http2Address : gateway.Address, path))
        {
            Version = new Version(version, version == 2 ? 0 : 1),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

    private sealed class ZeroContent : HttpContent
    {
        private readonly int _megabytes;
        private readonly bool _knownLength;

        public ZeroContent(int megabytes, bool knownLength)
        {
            _megabytes = megabytes;
            _knownLength = knownLength;
            Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var chunk = new byte[Megabyte];
            for (var i = 0; i < _megabytes; i++)
            {
                await stream.WriteAsync(chunk, TestContext.Current.CancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = (long)_megabytes * Megabyte;
            return _knownLength;
        }
    }

    /// <summary>Counts what is written to it, and watches the heap meanwhile.</summary>
    private sealed class CountingStream : Stream
    {
        private readonly long _before = GC.GetTotalMemory(forceFullCollection: true);
        private long _length;

        public long PeakGrowth { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position { get => _length; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Count(count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count(buffer.Length);
            return ValueTask.CompletedTask;
        }

        private void Count(int count)
        {
            _length += count;
            PeakGrowth = Math.Max(PeakGrowth, GC.GetTotalMemory(forceFullCollection: false) - _before);
        }
    }
}
