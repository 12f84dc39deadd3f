using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse.Clusters;

/// <summary>What the client is answered when something is wrong between gateway and destination, and that it is over when the fault is.</summary>
public sealed class FaultTests
{
    private static readonly (string, string?)[] Impatient = [("Clusters:one:HttpRequest:ActivityTimeout", "00:00:00.3")];

    [Theory]
    [InlineData(RelayFault.Refused, 502, "connection_refused")]
    [InlineData(RelayFault.BlackHoled, 504, "http_response_timeout")]
    [InlineData(RelayFault.ResetInHead, 502, "connection_terminated")]
    [InlineData(RelayFault.OneByteAtATime, 504, "http_response_timeout")]
    [InlineData(RelayFault.HalfClosed, 502, "connection_terminated")]
    [InlineData(RelayFault.Corrupt, 502, "http_protocol_error")]
    public async Task FaultOfTheOnlyDestination_IsToldAndOverWithIt(object fault, int status, string token)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var relay = new FaultyRelay(origin.Address);
        await using var gateway = await ResilientGateway.StartAsync([relay.Address], Impatient);
        Assert.Equal("origin", await gateway.GetStringAsync("/"));

        await relay.BecomeAsync((RelayFault)fault);
        using (var response = await gateway.GetAsync("/"))
        {
            Assert.Equal(((HttpStatusCode)status, token), (response.StatusCode, gateway.LastExchange!.Error?.Token));
        }

        await relay.BecomeAsync(RelayFault.None);
        Assert.Equal("origin", await gateway.GetStringAsync("/"));
        Assert.Equal(0, gateway.Cluster().Destinations["a"].ConcurrentRequestCount);
    }

    [Fact]
    public async Task ResetInTheBody_DoesNotLookComplete()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app => app.MapGet("/", static () => Results.Bytes(new byte[100])));
        await using var relay = new FaultyRelay(origin.Address);
        await using var gateway = await ResilientGateway.StartAsync([relay.Address], Impatient);

        await relay.BecomeAsync(RelayFault.ResetInBody);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => gateway.GetStringAsync("/"));

        await relay.BecomeAsync(RelayFault.None);
        Assert.Equal(100, (await gateway.GetStringAsync("/")).Length);
    }

    [Theory]
    [InlineData(RelayFault.Refused)]
    [InlineData(RelayFault.BlackHoled)]
    [InlineData(RelayFault.ResetInHead)]
    [InlineData(RelayFault.OneByteAtATime)]
    [InlineData(RelayFault.HalfClosed)]
    [InlineData(RelayFault.Corrupt)]
    public async Task FaultOfOneOfTwoDestinations_IsNotTheClients(object fault)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var relay = new FaultyRelay(origin.Address);
        await using var healthy = await OriginServer.StartAsync("healthy");
        await using var gateway = await ResilientGateway.StartAsync(
            [relay.Address, healthy.Address], ("TryTimeout", "00:00:00.2"), ("Retry:MaxRetries", "1"), ("Retry:Delay", "0"));

        await relay.BecomeAsync((RelayFault)fault);

        Assert.Equal("healthy", await gateway.GetStringAsync("/"));
    }

    [Theory]
    [InlineData(SocketError.HostNotFound, 502, "dns_error")]
    [InlineData(SocketError.TimedOut, 504, "dns_timeout")]
    public async Task NameThatDoesNotResolve_IsToldAndOverWithIt(SocketError error, int status, string token)
    {
        await using var origin = await OriginServer.StartAsync();
        var names = new Names { Error = error };
        await using var gateway = await ReverseGateway.StartAsync(
            [
                ("Routes:all:ClusterId", "one"), ("Routes:all:Match:Path", "{**path}"), ("Gateway:Resilience:Connect:MaxRetries", "0"),
                ("Clusters:one:Destinations:a:Address", $"http://origin.test:{origin.Address.Port}/"),
            ],
            services => services.AddSingleton<IResolver>(names));

        using (var response = await gateway.GetAsync("/"))
        {
            Assert.Equal(((HttpStatusCode)status, token), (response.StatusCode, gateway.LastExchange!.Error?.Token));
        }

        names.Error = null;
        Assert.Equal("origin", await gateway.GetStringAsync("/"));
    }

    private sealed class Names : IResolver
    {
        public SocketError? Error { get; set; }

        public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
            => Error is { } error ? throw new SocketException((int)error) : ValueTask.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]);
    }
}
