using System.IO.Compression;
using System.Text;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Filtering.Lists.Sources;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

/// <summary>Lists from a real HTTP server that behaves as well or as badly as each test wants.</summary>
public sealed class UrlListTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new("lists");
    private Func<HttpContext, Task> _answer = static context => context.Response.WriteAsync("one.example\n");
    private OriginServer _server = null!;

    public async ValueTask InitializeAsync()
        => _server = await OriginServer.StartAsync(endpoints: app => app.MapGet("{**path}", context => _answer(context)));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Url_IsInForceOnceStarted()
    {
        await using var lists = Fixture();

        await lists.StartAsync();

        Assert.True(lists.List.ContainsHost("www.one.example"));
        Assert.Equal("gzip", _server.LastRequest["Accept-Encoding"]);
    }

    [Fact]
    public async Task UnchangedList_IsAskedForByItsVersion_AndNotSentAgain()
    {
        _answer = context =>
        {
            context.Response.Headers.ETag = "\"v1\"";
            context.Response.Headers.LastModified = "Sun, 01 Mar 2026 09:00:00 GMT";
            if (context.Request.Headers.IfNoneMatch == "\"v1\"")
            {
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            }

            return context.Response.WriteAsync("one.example\n");
        };
        await using var lists = Fixture();
        await lists.StartAsync();
        var content = lists.List.State.Content;
        var confirmed = lists.List.State.Confirmed;
        lists.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(RefreshOutcome.Unchanged, await lists.RefreshAsync());

        Assert.Equal("Sun, 01 Mar 2026 09:00:00 GMT", _server.LastRequest["If-Modified-Since"]);
        Assert.Same(content, lists.List.State.Content);
        Assert.True(lists.List.State.Confirmed > confirmed);
    }

    [Fact]
    public async Task List_IsAskedForAgainAfterItsInterval()
    {
        await using var lists = Fixture(("ads:Refresh", "00:10:00"));
        await lists.StartAsync();

        _answer = static context => context.Response.WriteAsync("two.example\n");
        await lists.UntilAsync(() => lists.List.ContainsHost("two.example"), TimeSpan.FromMinutes(1));

        Assert.False(lists.List.ContainsHost("one.example"));
    }

    [Theory]
    [InlineData("error")]
    [InlineData("empty")]
    [InlineData("page")]
    [InlineData("garbage")]
    [InlineData("endless")]
    [InlineData("bomb")]
    [InlineData("truncated gzip")]
    [InlineData("no gzip")]
    [InlineData("other coding")]
    [InlineData("cut off")]
    [InlineData("loop")]
    [InlineData("redirect to a file")]
    [InlineData("unasked not modified")]
    public async Task BadAnswer_LeavesTheLastGoodInForce_AndSaysWhy(string kind)
    {
        await using var lists = Fixture(("ads:MaxBytes", "4000000"));
        await lists.StartAsync();
        _answer = context => AnswerBadlyAsync(context, kind);

        var outcome = await lists.RefreshAsync();

        Assert.Equal(RefreshOutcome.Failed, outcome);
        Assert.True(lists.List.ContainsHost("one.example"));
        Assert.Equal(1, lists.List.State.Failures);
        TestContext.Current.TestOutputHelper?.WriteLine(lists.List.State.Error!);

        _answer = static context => context.Response.WriteAsync("two.example\n");
        Assert.Equal(RefreshOutcome.Updated, await lists.RefreshAsync());
        Assert.Equal((null, 0), (lists.List.State.Error, lists.List.State.Failures));
    }

    [Fact]
    public async Task ServerThatDoesNotGoOn_IsGivenUpAfterTheTimeout()
    {
        var asked = new TaskCompletionSource();
        await using var lists = Fixture(("ads:Timeout", "00:00:30"));
        await lists.StartAsync();
        _answer = async context =>
        {
            await context.Response.WriteAsync("two.example\n");
            await context.Response.Body.FlushAsync();
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };

        var refresh = lists.RefreshAsync();
        await asked.Task;
        lists.Time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(RefreshOutcome.Failed, await refresh);
        Assert.Contains("Timeout", lists.List.State.Error, StringComparison.Ordinal);
        Assert.True(lists.List.ContainsHost("one.example"));
    }

    [Fact]
    public async Task Gzip_IsDecompressed()
    {
        _answer = context => WriteGzipAsync(context, Encoding.UTF8.GetBytes("packed.example\n"));
        await using var lists = Fixture();

        await lists.StartAsync();

        Assert.True(lists.List.ContainsHost("packed.example"));
    }

    [Fact]
    public async Task Redirect_OnTheSameServer_IsFollowed()
    {
        _answer = static context =>
        {
            if (context.Request.Path == "/list")
            {
                context.Response.Redirect("/moved");
                return Task.CompletedTask;
            }

            return context.Response.WriteAsync("moved.example\n");
        };
        await using var lists = Fixture();

        await lists.StartAsync();

        Assert.True(lists.List.ContainsHost("moved.example"));
    }

    /// <summary>The operator may point to a private address; a server that is pointed to may not.</summary>
    [Fact]
    public async Task Redirect_ToAnotherPrivateServer_IsNotFollowed()
    {
        await using var other = await OriginServer.StartAsync();
        _answer = context =>
        {
            context.Response.Redirect(new Uri(other.Address, "/secret").ToString());
            return Task.CompletedTask;
        };
        await using var lists = Fixture();

        await lists.StartAsync();

        Assert.Null(lists.List.State.Content);
        Assert.Contains("may not reach", lists.List.State.Error, StringComparison.Ordinal);
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task NextStart_WithoutTheServer_BeginsWithTheLastGood_AndAsksByItsVersion()
    {
        _answer = static context =>
        {
            context.Response.Headers.ETag = "\"v1\"";
            return context.Response.WriteAsync("one.example\n");
        };
        await using (var first = Fixture())
        {
            await first.StartAsync();
        }

        _answer = static context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        };
        await using var second = Fixture();
        await second.StartAsync();

        Assert.True(second.List.ContainsHost("one.example"));
        await second.UntilAsync(() => second.List.State.Failures > 0, TimeSpan.Zero);
        Assert.True(second.List.State.IsCopy);
        Assert.Equal("\"v1\"", _server.LastRequest["If-None-Match"]);
    }

    [Fact]
    public async Task CopyOfAnotherSource_IsNotUsed()
    {
        await using (var first = Fixture())
        {
            await first.StartAsync();
        }

        _answer = static context => context.Response.WriteAsync("two.example\n");
        await using var second = new ListsFixture(
            _directory, ("ads:Source", new Uri(_server.Address, "/other").ToString()), ("ads:Format", "Domains"));
        await second.StartAsync();

        Assert.False(second.List.ContainsHost("one.example"));
        Assert.True(second.List.ContainsHost("two.example"));
    }

    [Fact]
    public async Task UnknownList_IsNotRefreshed()
    {
        await using var lists = Fixture();
        await lists.StartAsync();

        Assert.Null(await lists.Lists.RefreshAsync("nobody", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Delays_DoubleAfterFailures_UpToTheInterval_AndAreSpread()
    {
        await using var lists = Fixture();
        var source = new UrlListSource(
            _server.Address, new ListOptions { Refresh = TimeSpan.FromMinutes(10) }, lists.Get<PyProxy.Gateway.Egress.EgressHandlers>(), lists.Time);

        double[] expected = [10, 1, 2, 4, 8, 10, 10];
        for (var failures = 0; failures < expected.Length; failures++)
        {
            Assert.InRange(source.NextDelay(failures).TotalMinutes, expected[failures] * 0.89, expected[failures] * 1.11);
        }
    }

    private ListsFixture Fixture(params (string Key, string? Value)[] more)
        => new(_directory, [("ads:Source", new Uri(_server.Address, "/list").ToString()), ("ads:Format", "Domains"), .. more]);

    private static async Task AnswerBadlyAsync(HttpContext context, string kind)
    {
        var response = context.Response;
        switch (kind)
        {
            case "error":
                response.StatusCode = StatusCodes.Status500InternalServerError;
                break;
            case "unasked not modified":
                response.StatusCode = StatusCodes.Status304NotModified;
                break;
            case "empty":
                break;
            case "page":
                await response.WriteAsync("<html>\n<body>\n<h1>503</h1>\n</body>\n</html>");
                break;
            case "garbage":
                await WriteManyAsync(context, Enumerable.Repeat((byte)0xFE, 1023).Append((byte)'\n').ToArray(), 100_000);
                break;
            case "endless":
                await WriteManyAsync(context, "again.example\n"u8.ToArray(), int.MaxValue);
                break;
            case "bomb":
                await WriteGzipAsync(context, new byte[64 * 1024 * 1024]);
                break;
            case "truncated gzip":
                response.Headers.ContentEncoding = "gzip";
                await response.Body.WriteAsync(Gzip(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 10_000).Select(i => $"n{i}.example\n")))).AsMemory(0, 5_000));
                break;
            case "no gzip":
                response.Headers.ContentEncoding = "gzip";
                await response.WriteAsync("one.example\n");
                break;
            case "other coding":
                response.Headers.ContentEncoding = "br";
                await response.WriteAsync("one.example\n");
                break;
            case "cut off":
                response.ContentLength = 1000;
                await response.WriteAsync("two.example\n");
                await response.Body.FlushAsync();
                context.Abort();
                break;
            case "loop":
                response.Redirect(context.Request.Path + "x");
                break;
            case "redirect to a file":
                response.Redirect("file:///etc/passwd");
                break;
        }
    }

    private static async Task WriteManyAsync(HttpContext context, byte[] bytes, int times)
    {
        for (var i = 0; i < times && !context.RequestAborted.IsCancellationRequested; i++)
        {
            await context.Response.Body.WriteAsync(bytes);
        }
    }

    private static async Task WriteGzipAsync(HttpContext context, byte[] text)
    {
        context.Response.Headers.ContentEncoding = "gzip";
        await context.Response.Body.WriteAsync(Gzip(text));
    }

    private static byte[] Gzip(byte[] text)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(text);
        }

        return packed.ToArray();
    }
}
