using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Limits;

/// <summary>Plans through the framework's middleware, on real YARP routes (their cluster has no destination: 503 is what lies behind).</summary>
public sealed class RouteLimitTests
{
    [Fact]
    public async Task RouteWithAPlan_IsLimited_OthersAreNot()
    {
        await using var gateway = await MiniGateway.StartAsync(
            app =>
            {
                app.UseProxyErrors();
                app.UseRouting();
                app.UseRateLimiter();
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
}
