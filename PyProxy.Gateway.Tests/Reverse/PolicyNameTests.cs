using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Timeouts;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>A route's policy names reach the framework's own middleware.</summary>
public sealed class PolicyNameTests
{
    [Fact]
    public async Task AuthorizationPolicy_GuardsItsRoute()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await StartAsync(
            origin,
            static services => services.AddAuthorizationBuilder().AddPolicy("nobody", static policy => policy.RequireAssertion(static _ => false)),
            static app => app.Use(static async (context, next) =>
            {
                // Without an authentication handler the middleware cannot write its refusal: the verdict is what counts here.
                try
                {
                    await next(context);
                }
                catch (InvalidOperationException e) when (e.Message.Contains("authentication", StringComparison.OrdinalIgnoreCase))
                {
                    context.Response.StatusCode = StatusCodes.Status403Forbidden;
                }
            }).UseAuthorization(),
            ("Routes:all:AuthorizationPolicy", "nobody"));

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task RateLimiterPolicy_LimitsItsRoute()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await StartAsync(
            origin,
            static services => services.AddRateLimiter(static options =>
            {
                options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
                options.AddPolicy("once", static _ => RateLimitPartition.GetFixedWindowLimiter(
                    0, static _ => new FixedWindowRateLimiterOptions { PermitLimit = 1, Window = TimeSpan.FromHours(1) }));
            }),
            static app => app.UseRateLimiter(),
            ("Routes:all:RateLimiterPolicy", "once"));

        using var first = await gateway.GetAsync("/");
        using var second = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
    }

    [Fact]
    public async Task TimeoutPolicy_EndsItsRoutesRequests()
    {
        var never = new TaskCompletionSource();
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/slow", () => never.Task));
        await using var gateway = await StartAsync(
            origin,
            static services => services.AddRequestTimeouts(static options => options.AddPolicy(
                "short", new RequestTimeoutPolicy { Timeout = TimeSpan.FromMilliseconds(100), TimeoutStatusCode = StatusCodes.Status504GatewayTimeout })),
            static app => app.UseRequestTimeouts(),
            ("Routes:all:TimeoutPolicy", "short"));

        using var response = await gateway.GetAsync("/slow");
        never.SetResult();

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    private static Task<ReverseGateway> StartAsync(
        OriginServer origin, Action<IServiceCollection> services, Action<WebApplication> stages, (string Path, string? Value) policy)
        => ReverseGateway.StartAsync(
            [
                ("Routes:all:ClusterId", "one"),
                ("Routes:all:Match:Path", "{**path}"),
                ("Clusters:one:Destinations:d:Address", origin.Address.AbsoluteUri),
                policy,
            ],
            services,
            stages);
}
