using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Admin;
using PyProxy.Gateway.Tests.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Admin;

public sealed class ShutdownTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstSignal_TurnsReadinessOffAndKeepsAcceptingForTheDelay()
    {
        var time = new FakeTimeProvider();
        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask,
            ListenerRole.Admin,
            configuration: new() { ["Gateway:Shutdown:Delay"] = "00:00:10" },
            services: services => services.AddSingleton<TimeProvider>(time));
        var application = server.App.Services.GetRequiredService<IHostApplicationLifetime>();
        Lifetime(server).OnSignal(PosixSignal.SIGTERM);

        using var ready = await server.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("shutting down", await ready.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.True(server.App.Services.GetRequiredService<IDrainSignal>().Draining.IsCancellationRequested);
        Assert.False(application.ApplicationStopping.IsCancellationRequested);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(application.ApplicationStopping.IsCancellationRequested);
    }

    [Fact]
    public async Task RunningRequest_FinishesBeforeItsDeadline()
    {
        var entered = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using var server = await ObservedServer.StartAsync(async context =>
        {
            entered.SetResult();
            await go.Task;
            await context.Response.WriteAsync("finished");
        });
        var sending = server.Client.GetStringAsync(new Uri("/work", UriKind.Relative), Cancellation);
        await entered.Task.WaitAsync(Patience, Cancellation);
        var stopping = server.StopAndReadLogAsync();
        go.SetResult();

        Assert.Equal("finished", await sending);
        Assert.Single(await stopping);
        Assert.DoesNotContain(server.Logs.GetSnapshot(), entry => entry.Message.StartsWith("Shutdown:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RequestPastItsDeadline_IsCutLoggedAndRecorded()
    {
        var entered = new TaskCompletionSource();
        await using var server = await ObservedServer.StartAsync(
            async context =>
            {
                entered.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
            },
            configuration: new() { ["Gateway:Shutdown:RequestTimeout"] = "00:00:00.05", ["Gateway:Shutdown:TunnelTimeout"] = "00:00:20" });
        var sending = server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);
        await entered.Task.WaitAsync(Patience, Cancellation);
        var records = await server.StopAndReadLogAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => sending);
        Assert.True(Assert.Single(records).GetProperty("aborted").GetBoolean());
        Assert.Contains(server.Logs.GetSnapshot(), entry => entry.Message == "Shutdown: 1 requests had not ended in time and were cut.");
    }

    [Fact]
    public async Task TunnelPastItsDeadline_IsToldToEndWhileRequestsHaveTime()
    {
        var entered = new TaskCompletionSource();
        await using var server = await ObservedServer.StartAsync(
            async context =>
            {
                Exchange.Of(context).IsTunnel = true;
                entered.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestServices.GetRequiredService<IDrainSignal>().TunnelDeadline)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            },
            configuration: new() { ["Gateway:Shutdown:TunnelTimeout"] = "00:00:00.05", ["Gateway:Shutdown:RequestTimeout"] = "00:00:20" });
        var sending = server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);
        await entered.Task.WaitAsync(Patience, Cancellation);
        await server.StopAndReadLogAsync();

        using var response = await sending;
        Assert.Contains(server.Logs.GetSnapshot(), entry => entry.Message == "Shutdown: 1 tunnels had not ended in time and were cut.");
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM, 143)]
    [InlineData(PosixSignal.SIGINT, 130)]
    public async Task SecondSignal_EndsTheProcessAtOnce(PosixSignal signal, int exitCode)
    {
        await using var server = await ObservedServer.StartAsync(_ => Task.CompletedTask);
        var exited = new List<int>();
        var services = server.App.Services;
        using var drain = new DrainSignal();
        using var lifetime = new SignalLifetime(
            services.GetRequiredService<IHostApplicationLifetime>(), new Readiness(), drain, Options.Create(new ShutdownOptions()),
            TimeProvider.System, NullLogger<SignalLifetime>.Instance)
        {
            Exit = exited.Add,
        };
        lifetime.OnSignal(signal);
        Assert.Empty(exited);
        lifetime.OnSignal(signal);

        Assert.Equal([exitCode], exited);
    }

    private static SignalLifetime Lifetime(ObservedServer server)
        => Assert.IsType<SignalLifetime>(server.App.Services.GetRequiredService<IHostLifetime>());
}
