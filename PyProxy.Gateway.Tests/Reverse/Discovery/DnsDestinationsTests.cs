using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Reverse.Discovery;
using PyProxy.Gateway.Tests.Functional;
using Yarp.ReverseProxy;

namespace PyProxy.Gateway.Tests.Reverse.Discovery;

/// <summary>A destination with a name that has several addresses, and changes them.</summary>
public sealed class DnsDestinationsTests : IAsyncLifetime
{
    private readonly Names _names = new();
    private WebApplication _origin = null!;
    private ReverseGateway _gateway = null!;

    private DnsDestinations Discovery => _gateway.Services.GetRequiredService<DnsDestinations>();

    private IEnumerable<string> Destinations
    {
        get
        {
            Assert.True(_gateway.Services.GetRequiredService<IProxyStateLookup>().TryGetCluster("one", out var cluster));
            return cluster.DestinationsState.AllDestinations.Select(static destination => destination.DestinationId).Order(StringComparer.Ordinal);
        }
    }

    public async ValueTask InitializeAsync()
    {
        // One origin at every address of 127.0.0.0/8, which says at which it was asked, and by what name.
        var builder = TestHost.CreateBuilder();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Any, 0));
        _origin = builder.Build();
        _origin.MapFallback("{**path}", static (HttpContext context) => context.Response.WriteAsync($"{context.Connection.LocalIpAddress} {context.Request.Host.Host}"));
        await _origin.StartAsync(TestContext.Current.CancellationToken);
        var port = new Uri(_origin.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()).Port;

        _names.Answer = [IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.2")];
        _gateway = await ReverseGateway.StartAsync(
            [
                ("Routes:all:ClusterId", "one"), ("Routes:all:Match:Path", "{**path}"), ("Clusters:one:LoadBalancingPolicy", "RoundRobin"),
                ("Clusters:one:Destinations:web:Address", $"http://web.test:{port}/"), ("Clusters:one:Destinations:web:Metadata:Discovery", "Dns"),
            ],
            services => services.AddSingleton<IResolver>(_names));
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Fact]
    public async Task EachAddress_IsADestinationUnderTheNamesHost()
    {
        Assert.Equal(["web[127.0.0.1]", "web[127.0.0.2]"], Destinations);
        string[] answers = [await _gateway.GetStringAsync("/"), await _gateway.GetStringAsync("/")];

        Assert.Equal(["127.0.0.1 web.test", "127.0.0.2 web.test"], answers.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ChangesUnderLoad_DropNoRequest()
    {
        using var enough = new CancellationTokenSource();
        var answers = new ConcurrentBag<string>();
        var load = Enumerable.Range(0, 4).Select(_ => AskAsync(answers, enough.Token)).ToList();

        for (var i = 3; i < 13; i++)
        {
            _names.Answer = [IPAddress.Parse($"127.0.0.{i}"), IPAddress.Parse($"127.0.0.{i + 1}")];
            await Discovery.RefreshAsync(TestContext.Current.CancellationToken);
            await Poll.UntilAsync(() => ValueTask.FromResult(answers.Contains($"127.0.0.{i + 1} web.test", StringComparer.Ordinal)));
        }

        await enough.CancelAsync();
        await Task.WhenAll(load).WaitAsync(ReverseGateway.Patience, TestContext.Current.CancellationToken);
        Assert.All(answers, static answer => Assert.EndsWith("web.test", answer, StringComparison.Ordinal));
    }

    [Fact]
    public async Task NameThatFailsToResolve_KeepsWhatWasKnown()
    {
        _names.Answer = null;
        await Discovery.RefreshAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, Destinations.Count());
        Assert.EndsWith("web.test", await _gateway.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NameThatAReloadTakesOut_IsNotFollowedAnyLonger_AndOneThatItBringsBackIs()
    {
        var configuration = (IConfigurationRoot)_gateway.Services.GetRequiredService<IConfiguration>();
        var port = new Uri(configuration["ReverseProxy:Clusters:one:Destinations:web:Address"]!).Port;
        Assert.Equal(["web.test"], Discovery.Names);

        await MoveToAsync($"http://127.0.0.9:{port}/", "web");
        await Discovery.RefreshAsync(TestContext.Current.CancellationToken);
        _names.Asked.Clear();
        await Discovery.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Empty(Discovery.Names);
        Assert.Empty(_names.Asked);

        await MoveToAsync($"http://web.test:{port}/", "web[127.0.0.1]", "web[127.0.0.2]");
        _names.Answer = [IPAddress.Parse("127.0.0.3")];
        await Discovery.RefreshAsync(TestContext.Current.CancellationToken);
        await UntilDestinationsAreAsync("web[127.0.0.3]");

        async Task MoveToAsync(string address, params string[] destinations)
        {
            configuration["ReverseProxy:Clusters:one:Destinations:web:Address"] = address;
            configuration.Reload();
            await UntilDestinationsAreAsync(destinations);
        }

        async Task UntilDestinationsAreAsync(params string[] destinations)
            => await Poll.UntilAsync(() => ValueTask.FromResult(Destinations.SequenceEqual(destinations, StringComparer.Ordinal)));
    }

    private async Task AskAsync(ConcurrentBag<string> answers, CancellationToken enough)
    {
        do
        {
            answers.Add(await _gateway.GetStringAsync("/"));
        }
        while (!enough.IsCancellationRequested || answers.IsEmpty);
    }

    private sealed class Names : IResolver
    {
        public IReadOnlyList<IPAddress>? Answer { get; set; }

        public ConcurrentQueue<string> Asked { get; } = new();

        public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
        {
            Asked.Enqueue(name);
            return Answer is { } answer ? ValueTask.FromResult(answer) : throw new SocketException((int)SocketError.TryAgain);
        }
    }
}
