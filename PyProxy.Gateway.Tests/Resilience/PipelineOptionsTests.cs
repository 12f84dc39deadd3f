using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Resilience;

public sealed class PipelineOptionsTests
{
    [Fact]
    public async Task EveryMistake_IsReportedByItsPath()
    {
        (string Key, string Value)[] mistakes =
        [
            ("Bulkhead:MaxConcurrency", "0"), ("CircuitBreaker:FailureRate", "2"), ("CircuitBreaker:MinimumRequests", "1"), ("Ejection:LatencyFactor", "1"),
            ("Ejection:MaxEjected", "1.5"), ("FailureStatuses:0", "200"), ("Retry:BudgetShare", "-1"), ("Retry:BufferLimit", "16777217"),
            ("Retry:MaxRetries", "11"), ("SlowStart", "02:00:00"), ("Timeout", "00:00:00.001"), ("TryTimeout", "2.00:00:00"),
        ];
        var errors = new ConfigurationErrors();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(mistakes.Select(static m => KeyValuePair.Create<string, string?>($"Gateway:Resilience:Pipelines:p:{m.Key}", m.Value)))
            .Build();

        await new ConfigurationSection<ResilienceOptions, ResilienceOptionsValidator>(ResilienceOptions.SectionPath).ValidateAsync(configuration, errors);

        Assert.Equal(
            mistakes.Select(static m => $"Gateway:Resilience:Pipelines:p:{m.Key}"),
            errors.All.Select(static e => e.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Lists_AreComparedByWhatTheyHold()
    {
        var one = new PipelineOptions { FailureStatuses = [500, 503] };

        Assert.True(one.SaysTheSameAs(new PipelineOptions { FailureStatuses = [500, 503] }));
        Assert.False(one.SaysTheSameAs(new PipelineOptions { FailureStatuses = [500] }));
        Assert.False(one.SaysTheSameAs(one with { Retry = one.Retry with { MaxRetries = 1 } }));
    }
}
