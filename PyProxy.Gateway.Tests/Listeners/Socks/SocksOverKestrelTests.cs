using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Socks;

/// <summary>SOCKS5 in front of a real Kestrel, from the first byte on the socket to the last.</summary>
public sealed class SocksOverKestrelTests
{
    private static readonly byte[] Handshake = [5, 1, 2, 1, 5, .. "alice"u8, 6, .. "s3cret"u8];

    [Theory]
    [InlineData("0501000109090909" + "01BB", "9.9.9.9:443")]
    [InlineData("05010004" + "00000000000000000000FFFF09090909" + "01BB", "[::ffff:9.9.9.9]:443")]
    [InlineData("05010003" + "0C" + "615F622E6578616D706C652E" + "0050", "a_b.example:80")]
    public async Task Request_IsAnOrdinaryConnectInThePipeline(string request, string target)
    {
        string? seen = null;
        await using var server = await StartAsync(context =>
        {
            seen = $"{context.Request.Method} {context.Features.Get<IVerifiedUserFeature>()?.User.Name} {context.Request.Host} "
                + context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            context.Features.Get<ITunnelRefusalFeature>()!.Refuse(ProxyErrors.NotAllowed("no"));
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return context.Response.WriteAsync("no");
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync([.. Handshake, .. Convert.FromHexString(request)]);
        Assert.Equal("0502" + "0100" + "05020001000000000000", Convert.ToHexString(await client.ReceiveAsync(14)));
        client.EndSending();
        Assert.Equal("", await client.ReceiveToEndAsync());
        Assert.Equal($"CONNECT alice {target} {target}", seen);
    }

    [Fact]
    public async Task Tunnel_CarriesBytesBothWays()
    {
        await using var server = await StartAsync(async context =>
        {
            await using var leg = await context.Features.Get<ITunnelFeature>()!.AcceptAsync(context.RequestAborted);
            var buffer = new byte[9];
            await leg.Stream.ReadExactlyAsync(buffer);
            await leg.Stream.WriteAsync(buffer);
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync([.. Handshake, 5, 1, 0, 1, 9, 9, 9, 9, 0, 80, .. "early"u8]);
        Assert.Equal("0502" + "0100" + "05000001000000000000", Convert.ToHexString(await client.ReceiveAsync(14)));
        await client.SendAsync("late");
        Assert.Equal("earlylate"u8.ToArray(), await client.ReceiveAsync(9));
    }

    [Fact]
    public async Task HandlerThatFails_IsAGeneralFailure()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("bug"));
        using var client = await server.ConnectAsync();
        await client.SendAsync([.. Handshake, 5, 1, 0, 1, 9, 9, 9, 9, 0, 80]);
        Assert.Equal("0502" + "0100" + "05010001000000000000", Convert.ToHexString(await client.ReceiveAsync(14)));
    }

    private static Task<AdapterServer> StartAsync(RequestDelegate handler) => AdapterServer.StartAsync(
        listen =>
        {
            listen.Use(PipeTakeover.Use);
            listen.UseSocks();
        },
        handler);
}
