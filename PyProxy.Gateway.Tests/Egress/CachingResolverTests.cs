using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Names;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class CachingResolverTests : IAsyncDisposable
{
    private readonly FakeResolver _inner = new();
    private EgressFixture? _fixture;

    [Fact]
    public async Task SecondQuestion_IsAnsweredFromTheCache_UntilItExpires()
    {
        var resolver = Create();
        _inner.Answer("a.example", "192.0.2.1").Answer("a.example", "192.0.2.2");

        Assert.Equal("192.0.2.1", await ResolveAsync(resolver, "a.example"));
        _fixture!.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal("192.0.2.1", await ResolveAsync(resolver, "a.example"));
        _fixture!.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("192.0.2.2", await ResolveAsync(resolver, "a.example"));
        Assert.Equal(2, _inner.Asked.Count);
    }

    [Fact]
    public async Task NameThatDoesNotExist_IsRememberedShorter()
    {
        var resolver = Create();
        _inner.Fail("a.example", SocketError.HostNotFound).Answer("a.example", "192.0.2.2");

        Assert.Equal(SocketError.HostNotFound, await FailAsync(resolver, "a.example"));
        Assert.Equal(SocketError.HostNotFound, await FailAsync(resolver, "a.example"));
        Assert.Single(_inner.Asked);
        _fixture!.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("192.0.2.2", await ResolveAsync(resolver, "a.example"));
    }

    [Fact]
    public async Task FailureOfTheNameServer_IsNotRemembered()
    {
        var resolver = Create();
        _inner.Fail("a.example", SocketError.TryAgain).Answer("a.example", "192.0.2.2");

        Assert.Equal(SocketError.TryAgain, await FailAsync(resolver, "a.example"));
        Assert.Equal("192.0.2.2", await ResolveAsync(resolver, "a.example"));
    }

    [Fact]
    public async Task UnexpectedFailure_IsAFailureToResolve()
    {
        var resolver = Create();
        _inner.Answer("a.example", _ => throw new InvalidOperationException("broken"));

        Assert.Equal(SocketError.NoRecovery, await FailAsync(resolver, "a.example"));
    }

    [Fact]
    public async Task ManyWhoAskAtOnce_CauseOneLookup_AndOneWhoLeavesDoesNotDisturbTheOthers()
    {
        var resolver = Create();
        var answer = new TaskCompletionSource<IReadOnlyList<IPAddress>>();
        _inner.Answer("a.example", token => new ValueTask<IReadOnlyList<IPAddress>>(answer.Task.WaitAsync(token)));
        using var impatient = new CancellationTokenSource();

        var first = resolver.ResolveAsync("a.example", impatient.Token).AsTask();
        var second = ResolveAsync(resolver, "a.example");
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));
        answer.SetResult([IPAddress.Parse("192.0.2.1")]);

        Assert.Equal("192.0.2.1", await second.WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));
        Assert.Single(_inner.Asked);
    }

    [Fact]
    public async Task SilentNameServer_TimesOut_AndTheNextQuestionAsksAgain()
    {
        var resolver = Create();
        _inner.Answer("a.example", Silence).Answer("a.example", "192.0.2.1");

        var waiting = FailAsync(resolver, "a.example");
        _fixture!.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(SocketError.TimedOut, await waiting.WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));
        Assert.Equal("192.0.2.1", await ResolveAsync(resolver, "a.example"));
    }

    [Fact]
    public async Task CacheIsFull_TheLeastRecentlyUsedNameIsForgotten()
    {
        var resolver = Create(new KeyValuePair<string, string?>("Gateway:Egress:Dns:CacheSize", "2"));
        foreach (var name in new[] { "a", "b", "c" })
        {
            _inner.Answer(name, "192.0.2.1");
        }

        await ResolveAsync(resolver, "a");
        await ResolveAsync(resolver, "b");
        await ResolveAsync(resolver, "a");
        await ResolveAsync(resolver, "c"); // forgets b
        await ResolveAsync(resolver, "a");

        Assert.Equal(2, resolver.Count);
        Assert.Equal(["a", "b", "c"], _inner.Asked, StringComparer.Ordinal);
        await ResolveAsync(resolver, "b");
        Assert.Equal(4, _inner.Asked.Count);
    }

    public ValueTask DisposeAsync() => _fixture?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async ValueTask<IReadOnlyList<IPAddress>> Silence(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return [];
    }

    private static async Task<string> ResolveAsync(CachingResolver resolver, string name)
        => Assert.Single(await resolver.ResolveAsync(name, TestContext.Current.CancellationToken)).ToString();

    private static async Task<SocketError> FailAsync(CachingResolver resolver, string name)
        => (await Assert.ThrowsAsync<SocketException>(() => resolver.ResolveAsync(name, TestContext.Current.CancellationToken).AsTask())).SocketErrorCode;

    private CachingResolver Create(params KeyValuePair<string, string?>[] settings)
    {
        _fixture = new EgressFixture(settings);
        return new CachingResolver(_inner, () => NameCacheLimits.Of(_fixture.Runtime.Current.Dns), _fixture.Time, _fixture.Get<EgressMetrics>(), NullLogger<CachingResolver>.Instance);
    }
}
