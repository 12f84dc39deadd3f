using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Limits;

/// <summary>What clients of a whole gateway see of limits.</summary>
public sealed class AnswersTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnswersWithinTheRate_SayWhatIsLeft_AndThoseBeyondWhenToComeBack()
    {
        await using var gateway = await StartAsync("""
            "Plans": { "p": { "Rates": [ "1/h burst 2" ] } }
            """, plan: "p");
        using var client = new HttpClient { BaseAddress = gateway.Url("Web") };

        using var allowed = await client.GetAsync("/", Cancellation);
        Assert.Equal("\"1/h\";q=1;w=3600", allowed.Headers.GetValues("RateLimit-Policy").Single());
        Assert.StartsWith("\"1/h\";r=1;t=", allowed.Headers.GetValues("RateLimit").Single(), StringComparison.Ordinal);
        using var last = await client.GetAsync("/", Cancellation);
        using var refused = await client.GetAsync("/", Cancellation);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 3_590, 3_600);
        Assert.Contains("\"1/h\";r=0", refused.Headers.GetValues("RateLimit").Single(), StringComparison.Ordinal);
        Assert.Contains("plan p: 1/h", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.True(refused.Headers.Contains("Proxy-Status"));
    }

    [Theory]
    [InlineData("absolute")]
    [InlineData("connect")]
    [InlineData("socks")]
    [InlineData("reverse")]
    public async Task RequestThatARuleRefuses_ConsumesPermits(string way)
    {
        await using var gateway = await StartAsync("""
            "Plans": { "p": { "Rates": [ "2/h per everyone" ] } },
            "Filtering": { "Rules": [ { "Name": "no", "Match": { "Hosts": [ "forbidden.example", "127.0.0.1" ] }, "Action": "Deny" } ] }
            """, plan: "p", everywhere: true);
        await Refuse();
        await Refuse();
        using var client = new HttpClient { BaseAddress = gateway.Url("Web"), DefaultRequestHeaders = { Host = "allowed.example" } };
        var deadline = DateTime.UtcNow.AddSeconds(30);
        using var third = await client.GetAsync("/", Cancellation);

        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.True(DateTime.UtcNow < deadline);

        Task Refuse() => Curl.RunAsync(
        [
            .. way switch
            {
                "absolute" => (string[])["--proxy", gateway.Url("Open").ToString()],
                "connect" => ["--proxy", gateway.Url("Open").ToString(), "--proxytunnel"],
                "socks" => ["--socks5-hostname", gateway.Url("Socks").Authority, "--proxy-user", $"alice:{GatewayServer.Password}"],
                _ => ["-H", "Host: forbidden.example"],
            },
            "-s", "-o", "/dev/null",
            way == "reverse" ? gateway.Url("Web").ToString() : "http://forbidden.example/",
        ]);
    }

    [Fact]
    public async Task RouteThatDisablesLimits_KeepsTheUsersPlan()
    {
        await using var gateway = await StartAsync(
            """
            "Plans": { "p": { "Rates": [ "1/h" ] } }, "Limits": { "Clients": { "Requests": [ "3/h" ] } }
            """, plan: "p", routePolicy: "disable");
        using var client = new HttpClient { BaseAddress = gateway.Url("Web") };

        var statuses = await StatusesAsync(client, 4);
        Assert.Equal([502, 502, 502, 429], statuses); // the endpoint's plan is lifted, the address's rate is not
    }

    [Fact]
    public async Task ConnectionsBeyondTheLimitOfAnAddress_AreClosed()
    {
        await using var gateway = await StartAsync("""
            "Limits": { "Clients": { "Connections": 2 } }
            """);
        using var first = new HttpClient { BaseAddress = gateway.Url("Web") };
        using var second = new HttpClient { BaseAddress = gateway.Url("Web") };
        using var third = new HttpClient { BaseAddress = gateway.Url("Web") };
        await StatusesAsync(first, 1);
        await StatusesAsync(second, 1);

        await Assert.ThrowsAsync<HttpRequestException>(() => third.GetAsync("/", Cancellation));
        first.Dispose();
        using var fourth = new HttpClient { BaseAddress = gateway.Url("Web") };
        await EventuallyAsync(async () =>
        {
            try
            {
                return (await StatusesAsync(fourth, 1))[0] == 502;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task HandshakesBeyondTheRateOfAnAddress_AreClosed()
    {
        await using var gateway = await StartAsync("""
            "Limits": { "Clients": { "Handshakes": [ "2/h" ] } }
            """);
        for (var i = 0; i < 2; i++)
        {
            using var allowed = new HttpClient { BaseAddress = gateway.Url("Web") };
            await StatusesAsync(allowed, 1);
        }

        using var third = new HttpClient { BaseAddress = gateway.Url("Web") };
        await Assert.ThrowsAsync<HttpRequestException>(() => third.GetAsync("/", Cancellation));
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 300; i++)
        {
            if (await condition())
            {
                return;
            }

            await Task.Delay(50, Cancellation);
        }

        Assert.Fail("It did not come true in time.");
    }

    private static async Task<int[]> StatusesAsync(HttpClient client, int times)
    {
        var statuses = new int[times];
        for (var i = 0; i < times; i++)
        {
            using var answer = await client.GetAsync("/", Cancellation);
            statuses[i] = (int)answer.StatusCode;
        }

        return statuses;
    }

    private static Task<GatewayServer> StartAsync(string gateway, string? plan = null, bool everywhere = false, string? routePolicy = null)
        => GatewayServer.StartAsync(gateway: gateway, edit: text =>
        {
            if (plan is not null)
            {
                foreach (var role in everywhere ? (string[])["Reverse", "Forward", "Socks"] : ["Reverse"])
                {
                    text = text.Replace($"\"Role\": \"{role}\"", $"\"Role\": \"{role}\", \"Plan\": \"{plan}\"", StringComparison.Ordinal);
                }
            }

            return routePolicy is null ? text
                : text.Replace("\"ClusterId\": \"origin\",", $"\"ClusterId\": \"origin\", \"RateLimiterPolicy\": \"{routePolicy}\",", StringComparison.Ordinal);
        });
}
