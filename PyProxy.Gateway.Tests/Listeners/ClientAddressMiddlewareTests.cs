using System.Net;
using PyProxy.Gateway.Listeners;

namespace PyProxy.Gateway.Tests.Listeners;

public sealed class ClientAddressMiddlewareTests
{
    [Theory]
    [InlineData(null, "10.0.0.1")]
    [InlineData("192.168.0.0/16", "10.0.0.1")]
    [InlineData("10.0.0.0/8", "192.0.2.7")]
    public async Task ForwardedFor_IsBelievedOfTrustedPeersOnly(string? trustedNetwork, string expected)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new($"{ListenerOptions.Section}:TrustedProxies:0", trustedNetwork)]).Build();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddSingleton<TrustedProxies>();
        services.AddOptions<ListenerOptions>().Configure(
            options => configuration.GetSection(trustedNetwork is null ? "none" : ListenerOptions.Section).Bind(options));
        await using var provider = services.BuildServiceProvider();
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse("10.0.0.1");
        context.Request.Headers["X-Forwarded-For"] = "192.0.2.7";
        var middleware = new ClientAddressMiddleware(_ => Task.CompletedTask, provider.GetRequiredService<TrustedProxies>());
        await middleware.InvokeAsync(context);

        Assert.Equal(IPAddress.Parse(expected), context.Connection.RemoteIpAddress);
        Assert.Equal("192.0.2.7", context.Request.Headers["X-Forwarded-For"]);
    }
}
