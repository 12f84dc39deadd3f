using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>Bodies that are far larger than what a gateway of its own process may come to need for them.</summary>
public sealed class LargeBodyTests(LargeBodyTests.Fixture fixture) : IClassFixture<LargeBodyTests.Fixture>
{
    private const int Megabyte = 1 << 20;
    private const int BodyMegabytes = 128;

    // The first requests compile and fill pools, too.
    private const int MostGrowthMegabytes = BodyMegabytes / 2;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task LargeDownload_NeedsNoMemoryForItsSize(int version)
    {
        var before = fixture.PeakMemory();

        using var response = await fixture.Client.SendAsync(fixture.Request(version, HttpMethod.Get), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);

        Assert.Equal((long)BodyMegabytes * Megabyte, await CountAsync(body));
        Assert.InRange(fixture.PeakMemory() - before, 0, MostGrowthMegabytes * Megabyte);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(2, false)]
    public async Task LargeUpload_HasNoHiddenLimitAndNeedsNoMemoryForItsSize(int version, bool knownLength)
    {
        var before = fixture.PeakMemory();

        using var request = fixture.Request(version, HttpMethod.Post);
        request.Content = new ZeroContent(BodyMegabytes, knownLength);
        using var response = await fixture.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"{(long)BodyMegabytes * Megabyte}", await response.Content.ReadAsStringAsync(Cancellation));
        Assert.InRange(fixture.PeakMemory() - before, 0, MostGrowthMegabytes * Megabyte);
    }

    private static async Task<long> CountAsync(Stream stream)
    {
        var (buffer, length) = (new byte[64 * 1024], 0L);
        while (await stream.ReadAsync(buffer, Cancellation) is > 0 and var read)
        {
            length += read;
        }

        return length;
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private OriginServer _origin = null!;
        private GatewayProcess _gateway = null!;
        private IReadOnlyDictionary<string, int> _ports = null!;

        public HttpClient Client { get; } = new();

        public async ValueTask InitializeAsync()
        {
            _origin = await OriginServer.StartAsync(endpoints: static app =>
            {
                app.MapPost("/big", static async (HttpContext context) => await context.Response.WriteAsync($"{await CountAsync(context.Request.Body)}"));
                app.MapGet("/big", static async (HttpContext context) =>
                {
                    context.Response.ContentLength = (long)BodyMegabytes * Megabyte;
                    var chunk = new byte[Megabyte];
                    for (var i = 0; i < BodyMegabytes; i++)
                    {
                        await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
                    }
                });
            });
            _gateway = await GatewayProcess.StartAsync(directory => GatewayServer.Configuration(
                directory, _origin.Address, gateway: null, """ "H2": { "Url": "http://127.0.0.1:0", "Role": "Reverse", "Protocols": "Http2" }, """));
            _ports = await _gateway.ListeningAsync(endpoints: 7);
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await _gateway.DisposeAsync();
            await _origin.DisposeAsync();
        }

        internal HttpRequestMessage Request(int version, HttpMethod method)
            => new(method, $"http://127.0.0.1:{_ports[version == 2 ? "H2" : "Web"]}/big")
            {
                Version = new Version(version, version == 2 ? 0 : 1),
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };

        /// <summary>The most that has been resident so far, in bytes.</summary>
        internal long PeakMemory()
        {
            const string name = "VmHWM:";
            var line = File.ReadLines($"/proc/{_gateway.Id}/status").First(static line => line.StartsWith(name, StringComparison.Ordinal));
            return long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
        }
    }

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
                await stream.WriteAsync(chunk, Cancellation);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = (long)_megabytes * Megabyte;
            return _knownLength;
        }
    }
}
