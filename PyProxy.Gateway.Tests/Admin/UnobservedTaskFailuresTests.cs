using System.Net;
using PyProxy.Gateway.Tests.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Admin;

public sealed class UnobservedTaskFailuresTests
{
    [Fact]
    public async Task FailedBackgroundService_IsSaidAloudAndTheGatewayGoesOn()
    {
        var broken = new BreakingService();
        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask, ListenerRole.Admin, services: services => services.AddSingleton<IHostedService>(broken));
        broken.Break.SetResult();

        var degraded = "";
        await Functional.Poll.UntilAsync(async () =>
        {
            using var ready = await server.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
            degraded = await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return degraded.Contains(nameof(BreakingService), StringComparison.Ordinal);
        });

        Assert.DoesNotContain("unforeseen", degraded, StringComparison.Ordinal);
        Assert.Contains(server.Logs.GetSnapshot(), entry => entry.Level == LogLevel.Critical
            && entry.Message.StartsWith(nameof(BreakingService), StringComparison.Ordinal) && entry.Exception is InvalidOperationException);
        Assert.False(server.App.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
    }

    private sealed class BreakingService : BackgroundService
    {
        public TaskCompletionSource Break { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Break.Task.WaitAsync(stoppingToken);
            throw new InvalidOperationException("unforeseen");
        }
    }
}
