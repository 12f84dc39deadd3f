using Microsoft.Extensions.Time.Testing;
using Polly.Telemetry;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Reverse.Clusters;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Tests.Reverse.Clusters;

public sealed class SlowStartTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<ResilienceMetrics>().BuildServiceProvider();
    private readonly ClusterState _cluster = new("one");
    private readonly DestinationState _a = Destination("a");
    private readonly DestinationState _b = Destination("b");
    private readonly ClusterPipeline _pipeline;

    public SlowStartTests()
    {
        var options = new PipelineOptions { SlowStart = TimeSpan.FromSeconds(100) };
        _pipeline = new ClusterPipeline(
            new RequestPipeline("p", "one", options, new TelemetryOptions(), _time),
            new NoHealthUpdater(),
            _services.GetRequiredService<ResilienceMetrics>(),
            _time);
    }

    [Fact]
    public void DestinationThatReturns_TakesPartMoreAndMore()
    {
        Available(_a, _b);
        Assert.Equal(1, ShareOfChoices(_b));
        Available(_a);
        Available(_a, _b);

        Assert.InRange(ShareOfChoices(_b), 0.02, 0.1);
        Assert.Equal(1, ShareOfChoices(_a));
        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.InRange(ShareOfChoices(_b), 0.4, 0.6);
        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(1, ShareOfChoices(_b));
    }

    [Fact]
    public void OnlyDestination_TakesAllAtOnce()
    {
        Available(_a, _b);
        ShareOfChoices(_a);
        Available();
        ShareOfChoices(_a);
        Available(_a);

        Assert.Equal(1, ShareOfChoices(_a));
    }

    public void Dispose() => _services.Dispose();

    private static DestinationState Destination(string id) => new(id, new DestinationModel(new DestinationConfig { Address = "http://127.0.0.1:1" }));

    private void Available(params DestinationState[] destinations)
    {
        _cluster.DestinationsState = new ClusterDestinationsState([_a, _b], destinations);
        ShareOfChoices(_a); // requests notice
    }

    private double ShareOfChoices(DestinationState destination)
    {
        const int Choices = 1000;
        var chosen = 0;
        for (var i = 0; i < Choices; i++)
        {
            chosen += _pipeline.Choose(_cluster, _cluster.DestinationsState.AvailableDestinations, tried: null).Contains(destination) ? 1 : 0;
        }

        return (double)chosen / Choices;
    }

    private sealed class NoHealthUpdater : IDestinationHealthUpdater
    {
        public void SetActive(ClusterState cluster, IEnumerable<NewActiveDestinationHealth> newHealthStates) => throw new NotSupportedException();

        public void SetPassive(ClusterState cluster, DestinationState destination, DestinationHealth newHealth, TimeSpan reactivationPeriod)
            => throw new NotSupportedException();
    }
}
