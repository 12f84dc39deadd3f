using System.Diagnostics;
using System.Globalization;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.ProxyProtocol;
using PyProxy.Gateway.Tests.Listeners.Socks;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>The adapters as curl sees them.</summary>
public sealed class CurlTests
{
    [Theory]
    [InlineData("alice:s3cret@", "http://my_service.example/", "0 my_service.example:80")]
    [InlineData("alice:wrong@", "http://a.example/", "97 ")] // CURLE_PROXY
    [InlineData("", "http://a.example/", "97 ")]
    public async Task Socks5_WorksWithTheRightPasswordOnly(string user, string url, string expected)
    {
        await using var server = await AdapterServer.StartAsync(
            listen =>
            {
                listen.Use(PipeTakeover.Use);
                listen.UseSocks();
            },
            AnswerInTheTunnelAsync);
        Assert.Equal(expected, await CurlAsync("--proxy", $"socks5h://{user}{server.EndPoint}", url));
    }

    [Fact]
    public async Task HaproxyProtocol_IsUnderstood()
    {
        await using var server = await AdapterServer.StartAsync(
            listen => listen.UseProxyProtocol(ProxyProtocolMode.Required),
            context => context.Response.WriteAsync($"from {context.Connection.RemoteIpAddress}"),
            new Dictionary<string, string?>(StringComparer.Ordinal) { ["Gateway:Listeners:TrustedProxies:0"] = "127.0.0.1" });
        Assert.Equal("0 from 127.0.0.1", await CurlAsync("--haproxy-protocol", $"http://{server.EndPoint}/"));
        Assert.Matches("^(52|56) $", await CurlAsync($"http://{server.EndPoint}/")); // closed without a word: end or reset
    }

    private static async Task AnswerInTheTunnelAsync(HttpContext context)
    {
        await using var leg = await context.Features.Get<ITunnelFeature>()!.AcceptAsync(context.RequestAborted);
        var reader = new StreamReader(leg.Stream, leaveOpen: true);
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
        }

        var body = context.Request.Host.Value!;
        var answer = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await leg.Stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer));
    }

    /// <summary>Exit code and output.</summary>
    private static async Task<string> CurlAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("curl", ["--silent", "--max-time", "20", .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment.Remove("no_proxy");
        using var curl = Process.Start(start)!;
        var output = await curl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await curl.WaitForExitAsync(TestContext.Current.CancellationToken);
        return string.Create(CultureInfo.InvariantCulture, $"{curl.ExitCode} {output}");
    }
}
