using System.Collections;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Testing;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Edits to the file of a running gateway.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private const int Reloads = 50;
    private const int Half = 256 * 1024;
    private const string Policy = """ "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ] }, "Tunnels": { "IdleTimeout": "00:10:00" } """;

    // Hundreds of requests for each reload; more would only take the processors from other tests.
    private static readonly TimeSpan BetweenRequests = TimeSpan.FromMilliseconds(5);

    private readonly TaskCompletionSource _finishDownload = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    private ConfigurationStatus Status => _gateway.Services.GetRequiredService<ConfigurationStatus>();

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/download", async context =>
        {
            context.Response.ContentLength = 2 * Half;
            await context.Response.Body.WriteAsync(new byte[Half], context.RequestAborted);
            await _finishDownload.Task.WaitAsync(context.RequestAborted);
            await context.Response.Body.WriteAsync(new byte[Half], context.RequestAborted);
        }));
        _gateway = await GatewayServer.StartAsync(_origin.Address, Policy);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Fact]
    public async Task FiftyReloadsUnderLoad_FailNoRequest()
    {
        using var reverse = new HttpClient();
        using var forward = new HttpClient(new HttpClientHandler { Proxy = new WebProxy(_gateway.Url("Open")) });
        using var download = await reverse.GetAsync(
            new Uri(_gateway.Url("Web"), "/download"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await using var body = await download.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        await body.ReadExactlyAsync(new byte[Half], TestContext.Current.CancellationToken);
        using var enough = new CancellationTokenSource();
        var answers = new ConcurrentBag<HttpStatusCode>();
        var load = Enumerable.Range(0, 8)
            .Select(i => i % 2 == 0
                ? AskAsync(reverse, new Uri(_gateway.Url("Web"), "/"), answers, enough.Token)
                : AskAsync(forward, _origin.Address, answers, enough.Token))
            .ToList();
        var original = await File.ReadAllTextAsync(_gateway.ConfigurationPath, TestContext.Current.CancellationToken);

        for (var i = 0; i < Reloads; i++)
        {
            var generation = Status.Current.Generation;
            await ReloadAsync(i % 2 == 0
                ? original.Replace("00:10:00", $"00:11:{i:00}", StringComparison.Ordinal)
                : original.Replace("\"ClusterId\"", $"\"Order\": {i}, \"ClusterId\"", StringComparison.Ordinal));
            Assert.True(Status.Current.Generation > generation);
            Assert.Empty(Status.Current.Problems);
        }

        await enough.CancelAsync();
        await Task.WhenAll(load).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        _finishDownload.SetResult();
        await body.ReadExactlyAsync(new byte[Half], TestContext.Current.CancellationToken);

        Assert.NotEmpty(answers);
        Assert.All(answers, status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Fact]
    public async Task BadFile_KeepsTheLastGoodOneAndSaysSo()
    {
        using var log = new FakeLoggerProvider();
        _gateway.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        var original = await File.ReadAllTextAsync(_gateway.ConfigurationPath, TestContext.Current.CancellationToken);
        var generation = Status.Current.Generation;

        await ReloadAsync(original.Replace("00:10:00", "some time", StringComparison.Ordinal));

        using var client = new HttpClient();
        Assert.Equal("origin", await client.GetStringAsync(_gateway.Url("Web"), TestContext.Current.CancellationToken));
        Assert.Equal(generation, Status.Current.Generation);
        var problem = Assert.Single(Status.Current.Problems);
        Assert.Contains("IdleTimeout", problem.ToString(), StringComparison.Ordinal);
        var said = log.Collector.GetSnapshot().Select(record => record.Message).ToList();
        Assert.Contains(said, message => message.Contains($"generation {generation} stays in force", StringComparison.Ordinal));
        Assert.Contains(problem.ToString(), said);
    }

    [Fact]
    public async Task NoFile_RunsOnEmbeddedDefaultsAndSaysSo()
    {
        string[] freePorts = [.. ((string[])["Web", "Proxy", "Socks", "Admin"]).Select(name => $"--Kestrel:Endpoints:{name}:Url=http://127.0.0.1:0")];
        var loader = ConfigurationLoader.Create(
            new ConfigurationFile(Path: null), ConfigurationOverrides.From(freePorts, new Hashtable()), Program.AddFeatures);
        await using var app = Program.Build(
            new GatewayConfiguration(loader, await loader.LoadAsync(TestContext.Current.CancellationToken)), GatewayLog.ReplaceConsole);
        using var log = new FakeLoggerProvider();
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        await app.StartAsync(TestContext.Current.CancellationToken);
        await app.StopAsync(TestContext.Current.CancellationToken);

        var said = log.Collector.GetSnapshot().Select(record => record.Message).ToList();
        Assert.Single(said, message => message == "No appsettings.json found: running on embedded defaults");
        Assert.Equal(freePorts.Length, said.Count(message => message.Contains("http://127.0.0.1:", StringComparison.Ordinal)));
    }

    // As configuration management writes: the old file or the new one, never half of it.
    private async Task ReloadAsync(string text)
    {
        var next = _gateway.ConfigurationPath + ".next";
        await File.WriteAllTextAsync(next, text, TestContext.Current.CancellationToken);
        File.Move(next, _gateway.ConfigurationPath, overwrite: true);
        await _gateway.Services.GetRequiredService<ConfigurationReloader>().ReloadAsync(TestContext.Current.CancellationToken);
    }

    private static async Task AskAsync(HttpClient client, Uri target, ConcurrentBag<HttpStatusCode> answers, CancellationToken enough)
    {
        do
        {
            using var answer = await client.GetAsync(target, TestContext.Current.CancellationToken);
            answers.Add(answer.StatusCode);
            await Task.Delay(BetweenRequests, CancellationToken.None);
        }
        while (!enough.IsCancellationRequested);
    }
}
