using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Limits;

/// <summary>Plans on real YARP routes (their cluster has no destination: 503 is what lies behind).</summary>
public sealed class RouteLimitTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // as UseRateLimiter's GlobalLimiter
    public async Task RouteWithAPlan_IsLimited_OthersAreNot(bool throughTheFramework)
    {
        await using var gateway = await MiniGateway.StartAsync(
            app =>
            {
                app.UseProxyErrors();
                app.UseRouting();
                _ = throughTheFramework ? app.UseRateLimiter() : app.UsePlanLimits();
                app.MapReverseProxy();
            },
            builder =>
            {
                var configuration = builder.Configuration;
                configuration["Gateway:Plans:slow:Rates:0"] = "1/m burst 2";
                configuration["ReverseProxy:Routes:limited:ClusterId"] = "empty";
                configuration["ReverseProxy:Routes:limited:Match:Path"] = "/limited";
                configuration["ReverseProxy:Routes:limited:RateLimiterPolicy"] = "Slow";
                configuration["ReverseProxy:Routes:free:ClusterId"] = "empty";
                configuration["ReverseProxy:Routes:free:Match:Path"] = "/free";
                configuration["ReverseProxy:Clusters:empty:LoadBalancingPolicy"] = "FirstAlphabetical";
                builder.Services.AddSingleton<TimeProvider>(new FakeTimeProvider());
                builder.Services.AddLimits();
                builder.Services.AddReverseProxy().LoadFromConfig(configuration.GetSection("ReverseProxy"));
            });

        Assert.Equal(503, await StatusAsync("/limited"));
        Assert.Equal(503, await StatusAsync("/limited"));
        Assert.Equal(429, await StatusAsync("/limited"));
        Assert.Equal(503, await StatusAsync("/free"));

        using var refused = await gateway.Client.GetAsync("/limited", TestContext.Current.CancellationToken);
        Assert.Equal(TimeSpan.FromMinutes(1), refused.Headers.RetryAfter!.Delta);
        Assert.Contains("plan slow: 1/m", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(Verdict.Limited, gateway.LastExchange!.Verdict);
        Assert.Equal("plan slow: 1/m", gateway.LastExchange.DecidedBy);

        async Task<int> StatusAsync(string path)
        {
            using var response = await gateway.Client.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.True(response.Headers.Contains("Proxy-Status"));
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task PolicyOfAProgramsOwn_IsEnforcedBesidesPlans()
    {
        await using var gateway = await MiniGateway.StartAsync(
            app =>
            {
                app.UseProxyErrors();
                app.UseRouting();
                app.UsePlanLimits();
                app.MapGet("/once", static () => "once").RequireRateLimiting("once");
                app.MapGet("/never-asked", static () => "free").DisableRateLimiting();
            },
            builder =>
            {
                builder.Services.AddLimits();
                builder.Services.AddRateLimiter(static options => options.AddFixedWindowLimiter("once", static window =>
                {
                    window.PermitLimit = 1;
                    window.Window = TimeSpan.FromHours(1);
                }));
            });

        Assert.Equal(200, await StatusAsync("/once"));
        Assert.Equal(429, await StatusAsync("/once"));
        Assert.Equal(200, await StatusAsync("/never-asked"));

        async Task<int> StatusAsync(string path)
        {
            using var response = await gateway.Client.GetAsync(path, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }
    }
}
