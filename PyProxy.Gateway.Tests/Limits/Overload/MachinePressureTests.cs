using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Limits.Overload;
using PyProxy.Gateway.Limits.Overload.Machine;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Limits.Overload;

/// <summary>A machine that runs out of something, through the whole gateway.</summary>
public sealed class MachinePressureTests
{
    private readonly FakeMachine _machine = new();

    [Theory]
    [InlineData("threads")]
    [InlineData("descriptors")]
    [InlineData("memory")]
    public async Task ShortOfSomething_IsRefused_AndTakenAgainAfterwards(string what)
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/hold", () => hold.Task));
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            gateway: """
            "Limits": { "Overload": { "Machine": { "QueueTimeout": "00:00:00.050" } } }
            """,
            extend: services => services.Replace(ServiceDescriptor.Singleton<IMachine>(_machine)));
        using var http = new HttpClient { BaseAddress = gateway.Url("Web") };
        Assert.Equal("origin", await http.GetStringAsync("/", TestContext.Current.CancellationToken));

        // Few requests are let in however long work waits, so there are as many under way as that; the others wait for a moment.
        var held = what == "threads" ? Enumerable.Range(0, WorkLimit.Least).Select(_ => http.GetAsync("/hold", TestContext.Current.CancellationToken)).ToArray() : [];
        var admission = gateway.Services.GetRequiredService<FairAdmission>();
        await Poll.UntilAsync(() => ValueTask.FromResult(admission.Admitted == held.Length));
        _machine.Suffer(what);
        await Poll.UntilAsync(async () => await StatusAsync(http) == HttpStatusCode.ServiceUnavailable);
        using var refused = await http.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(what == "descriptors", refused.Headers.ConnectionClose == true);
        using var body = JsonDocument.Parse(await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("Gateway:Limits:Overload:Machine", body.RootElement.GetProperty("setting").GetString());

        using var admin = new HttpClient { BaseAddress = gateway.Url("Admin") };
        Assert.Contains("machine", await admin.GetStringAsync("/health/ready", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        _machine.Recover();
        await Poll.UntilAsync(async () => await StatusAsync(http) == HttpStatusCode.OK);
        hold.SetResult();
        Assert.All(await Task.WhenAll(held), static response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        await Poll.UntilAsync(() => ValueTask.FromResult(admission.Admitted == 0));
    }

    [Fact]
    public void RealMachine_IsWellAndKnowsItself()
    {
        var machine = new LocalMachine(TimeProvider.System);

        Assert.InRange(machine.Memory(), 0.0001, 1);
        Assert.InRange(machine.Descriptors(), OperatingSystem.IsLinux() ? 0.000001 : 0, 1);
        Assert.InRange(machine.HeapBytes(), 1, machine.AllocatedBytes());
        Assert.True(SpinWait.SpinUntil(() => machine.ThreadPoolDelay() > TimeSpan.Zero, TimeSpan.FromSeconds(20)));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http)
    {
        using var response = await http.GetAsync("/", TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private sealed class FakeMachine : IMachine
    {
        private volatile string? _what;

        public void Suffer(string what) => _what = what;

        public void Recover() => _what = null;

        public double Descriptors() => _what == "descriptors" ? 0.95 : 0.1;

        public double Memory() => _what == "memory" ? 0.95 : 0.1;

        public long AllocatedBytes() => 0;

        public long HeapBytes() => 0;

        public void GiveMemoryBack()
        {
            // Nothing was allocated.
        }

        public TimeSpan ThreadPoolDelay() => _what == "threads" ? TimeSpan.FromSeconds(1) : TimeSpan.Zero;
    }
}
