using System.Net;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class EgressHandlersTests : IAsyncLifetime
{
    private readonly WebApplication _origin;
    private readonly TaskCompletionSource _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EgressHandlersTests()
    {
        var builder = TestHost.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _origin = builder.Build();
        _origin.MapGet("/", (HttpContext context) => context.Connection.Id);
        _origin.MapGet("/redirect", () => Results.Redirect("/"));
        _origin.MapGet("/slow-body", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("first,");
            await context.Response.Body.FlushAsync();
            await _rest.Task;
            await context.Response.WriteAsync("rest");
        });
        _origin.MapGet("/slow-head", async () =>
        {
            _arrived.SetResult();
            await _rest.Task;
            return "late";
        });
    }

    private string Url => _origin.Urls.First();

    public async ValueTask InitializeAsync() => await _origin.StartAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _origin.DisposeAsync();

    [Fact]
    public async Task RequestsUnderOnePolicy_ShareAConnection()
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);

        var first = await GetAsync(egress.Handlers.Forward);
        egress.Reload("Gateway:Egress:ConnectPorts:0", "443"); // nothing that connections are made under
        var second = await GetAsync(egress.Handlers.Forward);

        Assert.Equal(first, second, StringComparer.Ordinal);
    }

    [Fact]
    public async Task AddressThatIsNoLongerAllowed_IsNotReachedThroughAPooledConnection()
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);
        await GetAsync(egress.Handlers.Forward);

        egress.Reload("Gateway:Egress:AllowedAddresses:0", "10.1.2.3");

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(egress.Handlers.Forward));
        Assert.Equal("destination_ip_prohibited", ProxyException.Find(failure)?.Token);
    }

    [Theory]
    [InlineData("Gateway:Egress:DeniedAddresses:0", "8.8.8.8")]
    [InlineData("Gateway:Egress:SourceAddress", "127.0.0.2")]
    public async Task OtherPolicyOrSource_MeansANewConnection(string key, string value)
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);

        var first = await GetAsync(egress.Handlers.Forward);
        egress.Reload(key, value);
        var second = await GetAsync(egress.Handlers.Forward);

        Assert.NotEqual(first, second, StringComparer.Ordinal);
    }

    [Fact]
    public async Task ConnectionOfAConfiguredDestination_IsNotUsedForAForwardRequest()
    {
        await using var egress = new EgressFixture();
        using var configured = new HttpMessageInvoker(egress.Handlers.CreateHandler(DialPurpose.Configured));
        await GetAsync(configured);

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(egress.Handlers.Forward));

        Assert.Equal("destination_ip_prohibited", ProxyException.Find(failure)?.Token);
    }

    [Fact]
    public async Task ResponseBeingRead_OutlivesThePolicyItBeganUnder()
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);
        using var response = await SendAsync(egress.Handlers.Forward, "/slow-body");

        egress.Reload("Gateway:Egress:DeniedAddresses:0", "8.8.8.8");
        await GetAsync(egress.Handlers.Forward); // retires and disposes the handler that the response came through
        _rest.SetResult();

        Assert.Equal("first,rest", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RequestBeingSent_OutlivesThePolicyItBeganUnder()
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);
        var sending = SendAsync(egress.Handlers.Forward, "/slow-head");
        await _arrived.Task.WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken);

        egress.Reload("Gateway:Egress:DeniedAddresses:0", "8.8.8.8");
        await GetAsync(egress.Handlers.Forward);
        _rest.SetResult();

        using var response = await sending;
        Assert.Equal("late", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task HandlerOfSomebodyElse_IsBoundToTheDialer()
    {
        await using var egress = new EgressFixture();
        var handler = egress.Handlers.CreateHandler(DialPurpose.Configured);
        egress.Handlers.Bind(handler, DialPurpose.Forward);
        using var invoker = new HttpMessageInvoker(handler);

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(invoker));

        Assert.Equal("destination_ip_prohibited", ProxyException.Find(failure)?.Token);
    }

    [Fact]
    public async Task Redirect_IsPassedOn()
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);

        using var response = await SendAsync(egress.Handlers.Forward, "/redirect");

        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
    }

    [Fact]
    public async Task IPv6Literal_IsDialed()
    {
        await using var egress = new EgressFixture([EgressFixture.Allow("::1")]);
        egress.Connector.Destination = IPEndPoint.Parse(new Uri(Url).Authority);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://[::1]:81/");

        using var response = await egress.Handlers.Forward.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(IPEndPoint.Parse("[::1]:81"), Assert.Single(egress.Connector.Dialed));
    }

    private async Task<string> GetAsync(HttpMessageInvoker invoker)
    {
        using var response = await SendAsync(invoker, "/");
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker invoker, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Url + path);
        return await invoker.SendAsync(request, TestContext.Current.CancellationToken).WaitAsync(EgressFixture.Patience);
    }
}
