using System.Net;
using System.Net.Http.Headers;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>Alone in the process while they run: what is measured is the heap, and other tests would be measured with it.</summary>
[CollectionDefinition(nameof(MeasuresTheHeap), DisableParallelization = true)]
public sealed class MeasuresTheHeap;

[Collection(nameof(MeasuresTheHeap))]
public sealed class LargeBodyTests
{
    private const int Megabyte = 1 << 20;
    private const int BodyMegabytes = 128;

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
        using var request = StreamingTests.Request(gateway, version, HttpMethod.Get, "/big");

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
    [InlineData(2, true)]
    [InlineData(2, false)]
    public async Task LargeUpload_HasNoHiddenLimitAndNeedsNoMemoryForItsSize(int version, bool knownLength)
    {
        using var counter = new CountingStream();
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapPost("/big", async (HttpContext context) =>
        {
            await context.Request.Body.CopyToAsync(counter, context.RequestAborted);
        }));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);
        using var request = StreamingTests.Request(gateway, version, HttpMethod.Post, "/big");
        request.Content = new ZeroContent(BodyMegabytes, knownLength);

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((long)BodyMegabytes * Megabyte, counter.Length);
        AssertFlat(counter);
    }

    /// <summary>
    /// The whole process, client and origin included, needs far less than the body: nothing holds it, nor a part that grows with it.
    /// </summary>
    private static void AssertFlat(CountingStream counter) => Assert.InRange(counter.PeakGrowth, 0, BodyMegabytes / 2L * Megabyte);

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
