using System.Buffers.Binary;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>
/// A browser with the gateway as its proxy: a page that loads, and one that is refused. With <c>PYPROXY_SCREENSHOTS=docs/images</c> in its environment
/// the test writes the screenshots of docs/filtering.md anew.
/// </summary>
public sealed class ChromiumTests
{
    private const string Page = """
        <!doctype html><html lang="en"><head><meta charset="utf-8"><title>The shop</title>
        <style>body{font:1.1rem/1.5 sans-serif;margin:0;background:#eef4f0;color:#1b3a2b}header{background:#1f6f4a;color:#fff;padding:1.2rem 2rem;font-size:1.5rem}
        main{padding:1.5rem 2rem}img{float:right;width:9rem;height:9rem}</style></head>
        <body><header>The shop</header><main><img src="/logo.svg" alt=""><p>This page came through the gateway, its picture and its script as well.</p>
        <p id="script"></p></main><script src="/script.js"></script></body></html>
        """;

    private const string Logo = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle cx="5" cy="5" r="4.5" fill="#f2b134"/><path d="M2.5 5.2l2 2 3.2-4" fill="none" stroke="#1b3a2b"/></svg>""";

    [Fact]
    public async Task Browser_ShowsWhatPasses_AndTheRefusalOfWhatDoesNot()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app =>
        {
            app.MapGet("/shop", static () => Results.Text(Page, "text/html"));
            app.MapGet("/logo.svg", static () => Results.Text(Logo, "image/svg+xml"));
            app.MapGet("/script.js", static () => Results.Text("document.getElementById('script').textContent = 'The script has run.'", "text/javascript"));
        });
        await using var gateway = await GatewayServer.StartAsync(origin.Address, """
            "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ] },
            "RefusalPage": { "Contact": "network@example.org" },
            "Filtering": { "Rules": [
              { "Name": "no-advertising", "Match": { "Hosts": [ "*.ads.localhost" ] }, "Action": "Deny", "Message": "Advertising is not loaded from this network." } ] }
            """);

        var (shop, refusal) = (
            Browser.OpenAsync(gateway.Port("Open"), $"http://shop.localhost:{origin.Address.Port}/shop", "page-loaded.png"),
            Browser.OpenAsync(gateway.Port("Open"), $"http://banner.ads.localhost:{origin.Address.Port}/", "page-refused.png"));
        var loaded = await shop;
        var refused = await refusal;

        Assert.Contains("The script has run.", loaded.Document, StringComparison.Ordinal);
        Assert.Contains(origin.Requests, static request => request.Target == "/logo.svg");
        Assert.All(origin.Requests, static request => Assert.Contains("Chrom", request["User-Agent"]!, StringComparison.Ordinal));
        Assert.Contains("Advertising is not loaded from this network.", refused.Document, StringComparison.Ordinal);
        Assert.Contains("no-advertising", refused.Document, StringComparison.Ordinal);
        Assert.DoesNotContain(origin.Requests, static request => request["Host"]!.Contains("ads", StringComparison.Ordinal));
        Assert.Equal((Browser.Width, Browser.Height), SizeOf(loaded.Screenshot));
        Assert.Equal((Browser.Width, Browser.Height), SizeOf(refused.Screenshot));
    }

    // PNG: eight bytes of signature, then the header chunk, whose data begin with both sizes.
    private static (int Width, int Height) SizeOf(byte[] png)
        => (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));

    private static class Browser
    {
        public const int Width = 800;
        public const int Height = 420;

        /// <returns>What the browser has made of the page, and how it looks.</returns>
        public static async Task<(string Document, byte[] Screenshot)> OpenAsync(int proxyPort, string url, string name)
        {
            using var home = new TemporaryDirectory("chromium");
            var file = Path.Combine(Environment.GetEnvironmentVariable("PYPROXY_SCREENSHOTS") ?? home.Path, name);
            var (exit, document) = await Tool.RunAsync(
                "chromium", "chromium", "",
                "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
                $"--user-data-dir={home.Path}", "--hide-scrollbars", $"--window-size={Width},{Height}",
                $"--proxy-server=http://127.0.0.1:{proxyPort}", "--proxy-bypass-list=<-loopback>", // by itself it asks no proxy for what is on this machine
                $"--screenshot={file}", "--dump-dom", url);
            Assert.Equal(0, exit);
            return (document, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        }
    }
}
