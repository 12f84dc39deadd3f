using System.Net;
using System.Text;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Logins that come together: the limits of guessing are not for them.</summary>
public sealed class ManyLoginsTests : IAsyncLifetime
{
    private const int Users = 40; // twice of what an address has free

    private static readonly string Hash = Pbkdf2Hash.Create(GatewayServer.Password, 10_000).ToString();

    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync();
        _gateway = await GatewayServer.StartAsync(
            _origin.Address,
            """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """,
            text => text.Replace("\"Accounts\": {", "\"Accounts\": {" + string.Concat(
                Enumerable.Range(0, Users).Select(i => $"\"user{i}\": {{ \"PasswordHash\": \"{Hash}\" }},")), StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Fact]
    public async Task OneUserOnManyConnections_ComesInOnAll()
    {
        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => AskAsync($"user0:{GatewayServer.Password}")));

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Fact]
    public async Task ManyUsersBehindOneAddress_AllComeIn()
    {
        var statuses = await Task.WhenAll(Enumerable.Range(0, Users).Select(i => AskAsync($"user{i}:{GatewayServer.Password}")));

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Fact]
    public async Task ManyGuessesAtOneName_AreLookedAtFewTimes()
    {
        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => AskAsync($"user0:guess{i}")));

        Assert.Equal(5, statuses.Count(status => status == HttpStatusCode.ProxyAuthenticationRequired));
        Assert.Equal(45, statuses.Count(status => status == HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task WrongPasswordOnManyConnections_IsOneGuess()
    {
        var statuses = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AskAsync("user0:wrong")));

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, status));
        Assert.Equal(HttpStatusCode.OK, await AskAsync($"user0:{GatewayServer.Password}"));
    }

    private async Task<HttpStatusCode> AskAsync(string credentials)
    {
        using var client = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy(_gateway.Url("Proxy")) });
        using var request = new HttpRequestMessage(HttpMethod.Get, _origin.Address);
        request.Headers.TryAddWithoutValidation("Proxy-Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
