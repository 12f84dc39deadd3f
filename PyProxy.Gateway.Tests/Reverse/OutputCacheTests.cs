using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>Answers that routes keep, by policies of the configuration alone, through the whole gateway.</summary>
public sealed class OutputCacheTests(OutputCacheTests.Fixture fixture) : IClassFixture<OutputCacheTests.Fixture>
{
    [Theory]
    [InlineData("/kept", "/kept", true)]
    [InlineData("/kept-q?a=1", "/kept-q?a=2", false)]
    [InlineData("/few/q?page=1&x=1", "/few/q?page=1&x=2", true)]
    [InlineData("/few/p?page=1", "/few/p?page=2", false)]
    [InlineData("/cookie", "/cookie", false)]
    [InlineData("/private", "/private", false)]
    [InlineData("/varies", "/varies", false)]
    [InlineData("/few/varies", "/few/varies", true)]
    [InlineData("/error", "/error", false)]
    [InlineData("/plain/not-named", "/plain/not-named", false)]
    public async Task Answer_IsGivenAgainWhereItMayBe(string first, string second, bool again)
    {
        var one = await GetAsync(first);
        var two = await GetAsync(second);

        Assert.Equal(again, one == two);
    }

    [Fact]
    public async Task RequestWithCredentials_IsNotAnsweredFromIt()
    {
        Assert.NotEqual(await GetAsync("/credentials", ("Authorization", "Bearer x")), await GetAsync("/credentials", ("Authorization", "Bearer x")));
    }

    [Fact]
    public async Task FieldThatThePolicyNames_TellsAnswersApart()
    {
        var german = await GetAsync("/few/language", ("Accept-Language", "de"));

        Assert.NotEqual(german, await GetAsync("/few/language", ("Accept-Language", "en")));
        Assert.Equal(german, await GetAsync("/few/language", ("Accept-Language", "de")));
    }

    [Fact]
    public async Task AnswerThatEndedEarly_IsNotKept()
    {
        using (var answer = await fixture.Client.GetAsync(
            new Uri(fixture.Gateway.Url("Web"), "/cut"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            await using var body = await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            await body.ReadExactlyAsync(new byte["half".Length], TestContext.Current.CancellationToken);
            fixture.HalfArrived.SetResult();
            await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken));
        }

        Assert.StartsWith("answer", await GetAsync("/cut"), StringComparison.Ordinal);
    }

    private async Task<string> GetAsync(string target, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(fixture.Gateway.Url("Web"), target));
        foreach (var (name, value) in fields)
        {
            request.Headers.Add(name, value);
        }

        using var answer = await fixture.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private OriginServer _origin = null!;
        private int _answers;

        internal GatewayServer Gateway { get; private set; } = null!;

        internal TaskCompletionSource HalfArrived { get; } = new();

        internal HttpClient Client { get; } = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false });

        public async ValueTask InitializeAsync()
        {
            _origin = await OriginServer.StartAsync(endpoints: app =>
            {
                app.MapGet("/cookie", context => AnswerAsync(context, static headers => headers.SetCookie = "a=b"));
                app.MapGet("/private", context => AnswerAsync(context, static headers => headers.CacheControl = "max-age=60, private"));
                app.MapGet("{**any}", context => AnswerAsync(context, context.Request.Path.Value!.EndsWith("/varies", StringComparison.Ordinal)
                    ? static headers => headers.Vary = "accept-language"
                    : static _ => { }));
                app.MapGet("/error", context => AnswerAsync(context, static _ => { }, StatusCodes.Status404NotFound));
                app.MapGet("/cut", async context =>
                {
                    if (HalfArrived.Task.IsCompleted)
                    {
                        await AnswerAsync(context, static _ => { });
                        return;
                    }

                    await context.Response.WriteAsync("half");
                    await context.Response.Body.FlushAsync();
                    await HalfArrived.Task;
                    context.Abort();
                });
            });
            Gateway = await GatewayServer.StartAsync(
                _origin.Address,
                """
                "RoutePolicies": { "OutputCache": {
                    "minute": { "Duration": "00:01:00", "Locking": true },
                    "few": { "Duration": "00:01:00", "QueryParameters": [ "page" ], "Headers": [ "Accept-Language" ] } } }
                """,
                static text => text.Replace(
                    "\"Routes\": { \"all\": {",
                    """
                    "Routes": {
                      "few": { "ClusterId": "origin", "OutputCachePolicy": "few", "Order": 1, "Match": { "Path": "/few/{**rest}" } },
                      "plain": { "ClusterId": "origin", "Order": 1, "Match": { "Path": "/plain/{**rest}" } },
                      "all": { "OutputCachePolicy": "minute", "Order": 2,
                    """,
                    StringComparison.Ordinal));
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await Gateway.DisposeAsync();
            await _origin.DisposeAsync();
        }

        private Task AnswerAsync(HttpContext context, Action<IHeaderDictionary> mark, int status = StatusCodes.Status200OK)
        {
            context.Response.StatusCode = status;
            mark(context.Response.Headers);
            return context.Response.WriteAsync($"answer {Interlocked.Increment(ref _answers)}");
        }
    }
}
