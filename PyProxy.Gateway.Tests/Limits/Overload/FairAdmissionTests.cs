using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Overload;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Tests.Limits.Overload;

public sealed class FairAdmissionTests : IDisposable
{
    private readonly LimiterHarness _harness = new(new PlansOptions());
    private readonly FairAdmission _admission;

    public FairAdmissionTests()
    {
        Configure(places: 2);
        _admission = _harness.Services.GetRequiredService<FairAdmission>();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _harness.Dispose();

    [Fact]
    public async Task FreePlace_GoesToWhoeverHasFewest()
    {
        var first = await EnterAsync("greedy");
        await EnterAsync("greedy");
        var greedy = Enumerable.Range(0, 5).Select(_ => EnterAsync("greedy")).ToList();
        var modest = EnterAsync("modest");
        _admission.Leave(first);

        await modest.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.All(greedy, waiting => Assert.False(waiting.IsCompleted));
        Assert.Equal((2, 5), (_admission.Admitted, _admission.Queued));
    }

    [Fact]
    public async Task Equals_TakeTurnsHoweverManyTheyAsk()
    {
        Configure(places: 1);
        var place = await EnterAsync("z");
        var order = new List<string>();
        var waits = new List<(string User, Task<AdmissionPlace> Task)>();
        waits.AddRange(Enumerable.Range(0, 6).Select(_ => ("a", EnterAsync("a"))));
        waits.AddRange(Enumerable.Range(0, 2).Select(_ => ("b", EnterAsync("b"))));
        for (var i = 0; i < 8; i++)
        {
            _admission.Leave(place);
            var next = await Task.WhenAny(waits.Select(wait => wait.Task)).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
            place = await next;
            order.Add(waits.Single(wait => wait.Task == next).User);
            waits.RemoveAll(wait => wait.Task == next);
        }

        Assert.Equal(["a", "b", "a", "b", "a", "a", "a", "a"], order);
    }

    [Fact]
    public async Task FullQueue_SaysNoAtOnce()
    {
        Configure(places: 1, perUser: 1);
        await EnterAsync("a");
        var waiting = EnterAsync("a");

        Assert.False((await EnterAsync("a")).IsGiven);
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task NoRoomForMoreToWait_TheLastOfTheLongestQueueMakesIt()
    {
        Configure(places: 1, length: 5);
        var place = await EnterAsync("greedy");
        List<Task<AdmissionPlace>> greedy = [EnterAsync("greedy"), EnterAsync("greedy"), EnterAsync("greedy"), EnterAsync("greedy")];
        var other = EnterAsync("other");

        var modest = EnterAsync("modest");
        Assert.False((await greedy[3]).IsGiven);
        var second = EnterAsync("modest");
        Assert.False((await greedy[2]).IsGiven);
        Assert.False((await EnterAsync("modest")).IsGiven); // as many as the longest has
        Assert.False((await EnterAsync("greedy")).IsGiven);
        Assert.Equal((1, 5), (_admission.Admitted, _admission.Queued));

        List<Task<AdmissionPlace>> waiting = [greedy[0], greedy[1], other, modest, second];
        while (waiting.Count > 0)
        {
            Assert.All(waiting, static task => Assert.False(task.IsCompleted));
            _admission.Leave(place);
            var next = await Task.WhenAny(waiting).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
            place = await next;
            Assert.True(place.IsGiven);
            waiting.Remove(next);
        }
    }

    [Fact]
    public async Task QueueThatCannotBeServedInTime_SaysNoAtOnce_AndWhenItWouldHaveBeen()
    {
        // 1. One place a tenth of a second: fifty can be served in five seconds
        Configure(places: 1);
        var waiting = new Queue<Task<AdmissionPlace>>(Enumerable.Range(0, 21).Select(_ => EnterAsync("greedy")));
        for (var i = 0; i < 20; i++)
        {
            _harness.Time.Advance(TimeSpan.FromMilliseconds(100));
            _admission.Leave(await waiting.Dequeue());
        }

        // 2. The fifty-first is told so, and one of another user is not
        var place = await waiting.Dequeue();
        Assert.All(Enumerable.Range(0, 50), _ => Assert.False(EnterAsync("greedy").IsCompleted));
        var late = await EnterAsync("greedy").WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.False(late.IsGiven);
        Assert.InRange(late.Wait!.Value, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5.5));
        Assert.False(EnterAsync("modest").IsCompleted);
        _admission.Leave(place);
        Assert.Equal((1, 50), (_admission.Admitted, _admission.Queued));
    }

    [Fact]
    public async Task QueueThatStandsStill_TakesOneToSeeWhetherItMoves()
    {
        Configure(places: 1);
        var waiting = new Queue<Task<AdmissionPlace>>(Enumerable.Range(0, 21).Select(_ => EnterAsync("a")));
        while (waiting.Count > 1)
        {
            _harness.Time.Advance(TimeSpan.FromMilliseconds(100));
            _admission.Leave(await waiting.Dequeue());
        }

        var place = await waiting.Dequeue();
        var first = EnterAsync("a");
        _harness.Time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(first.IsCompleted);
        var second = EnterAsync("a");
        Assert.False(second.IsCompleted);
        _harness.Time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.False((await first.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);

        Assert.False((await EnterAsync("a").WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
        _admission.Leave(place);
        Assert.True((await second.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
    }

    [Fact]
    public async Task WaitThatTakesTooLong_EndsWithoutAPlace()
    {
        Configure(places: 1);
        var place = await EnterAsync("a");
        var waiting = EnterAsync("b");
        _harness.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.False((await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
        _admission.Leave(place);
        Assert.Equal((0, 0), (_admission.Admitted, _admission.Queued));
    }

    [Fact]
    public async Task ClientThatLeaves_TakesNoPlace()
    {
        Configure(places: 1);
        var place = await EnterAsync("a");
        using var gone = new CancellationTokenSource();
        var waiting = _admission.EnterAsync(new AdmissionKey("b", default), gone.Token);
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        _admission.Leave(place);
        Assert.Equal((0, 0), (_admission.Admitted, _admission.Queued));
    }

    [Fact]
    public async Task RaisedLimit_LetsThoseWaitingIn()
    {
        await EnterAsync("a");
        await EnterAsync("a");
        var waiting = EnterAsync("a");
        Configure(places: 3);

        Assert.True((await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
    }

    [Fact]
    public async Task Throttled_LetsFewerIn_AndTheOthersWaitForLess_UntilReleased()
    {
        var place = await EnterAsync("a");
        _admission.Throttle(places: 1, TimeSpan.FromSeconds(1));
        var late = EnterAsync("b");
        _harness.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.False((await late.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);

        var first = EnterAsync("a");
        var second = EnterAsync("a");
        _admission.Leave(place);
        Assert.True((await first.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
        Assert.False(second.IsCompleted);
        Assert.True(_admission.IsThrottled);

        _admission.Release();
        Assert.True((await second.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
        Assert.Equal((2, 0, false), (_admission.Admitted, _admission.Queued, _admission.IsThrottled));
    }

    [Fact]
    public async Task Throttle_NeverAddsPlacesOrPatience()
    {
        Configure(places: 1);
        _admission.Throttle(places: 5, TimeSpan.FromMinutes(1));
        await EnterAsync("a");
        var waiting = EnterAsync("a");
        Assert.False(waiting.IsCompleted);

        _harness.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.False((await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).IsGiven);
    }

    private Task<AdmissionPlace> EnterAsync(string user) => _admission.EnterAsync(new AdmissionKey(user, default), Cancellation);

    private void Configure(int places, int perUser = 1000, int length = 20_000)
        => _harness.Limits.Change(new LimitsOptions { Overload = new OverloadOptions { MaxConcurrency = places, QueuePerUser = perUser, QueueLength = length } });
}
