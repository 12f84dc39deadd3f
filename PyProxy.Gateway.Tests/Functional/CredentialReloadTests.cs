using System.Net;
using System.Text;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Tests.Users;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>What changes while the gateway runs: policies, users, issuers and their keys.</summary>
public sealed class CredentialReloadTests : WaysToProve
{
    [Fact]
    public async Task Reload_ForgetsWhoChanged_AndNobodyElse()
    {
        var lookup = Gateway.Services.GetRequiredService<CredentialVerifier>();
        var token = Token();
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", Password)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + token)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/keyed/x", ("X-Partner", Key)));
        var text = await File.ReadAllTextAsync(Gateway.ConfigurationPath, TestContext.Current.CancellationToken);
        var read = Issuer.Reads;
        Issuer.Status = HttpStatusCode.InternalServerError; // whoever asks again finds nobody

        // 1. Other settings, and another user.
        await ReloadAsync(text
            .Replace("\"Accounts\": {", $"\"Accounts\": {{ \"bob\": {{ \"PasswordHash\": \"{GatewayServer.PasswordHashText}\" }},", StringComparison.Ordinal)
            .Replace("\"FirstDelay\": \"00:01:00\"", "\"FirstDelay\": \"00:00:30\"", StringComparison.Ordinal)
            .Replace("\"passing\": { \"ForwardCredentials\": true }", "\"passing\": {}", StringComparison.Ordinal));
        Assert.NotNull(lookup.FindVerified("alice"u8, Encoding.UTF8.GetBytes(GatewayServer.Password)));
        Assert.NotNull(lookup.FindVerifiedApiKey(Key));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + token)));
        Assert.Equal(read, Issuer.Reads);

        // 2. The user, and the issuer.
        await ReloadAsync(text
            .Replace("\"Groups\": [ \"staff\" ],", "\"Groups\": [ \"staff\", \"others\" ],", StringComparison.Ordinal)
            .Replace($"\"Audiences\": [ \"{TokenIssuer.Audience}\" ]", "\"Audiences\": [ \"others\" ]", StringComparison.Ordinal));
        Assert.Null(lookup.FindVerified("alice"u8, Encoding.UTF8.GetBytes(GatewayServer.Password)));
        Assert.Null(lookup.FindVerifiedApiKey(Key));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + token)));
    }

    [Fact]
    public async Task SigningKeys_AreFollowedWhenTheyChange()
    {
        var old = Token();
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + old)));
        Assert.Equal(1, Issuer.Reads);
        Issuer.Rotate();
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + old))); // still remembered, still in force

        // Keys are not read more often than every ten seconds: the new key has to wait for that.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + Token())) != HttpStatusCode.OK)
        {
            await Task.Delay(250, patience.Token);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + old)));
    }

    [Fact]
    public async Task KeySetThatIsAway_Is503AndNoChallenge()
    {
        Issuer.Status = HttpStatusCode.InternalServerError;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + Token())));
    }

    [Fact]
    public async Task PolicyThatAReloadChanges_HoldsFromThenOn()
    {
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("Web", "/admins/x", ("Authorization", Password)));
        var text = await File.ReadAllTextAsync(Gateway.ConfigurationPath, TestContext.Current.CancellationToken);
        await ReloadAsync(text.Replace("\"Groups\": [ \"admins\" ]", "\"Users\": [ \"alice\" ]", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/admins/x", ("Authorization", Password)));

        // A policy that comes together with the route that names it.
        await ReloadAsync(text
            .Replace("\"AuthorizationPolicy\": \"admins\"", "\"AuthorizationPolicy\": \"fresh\"", StringComparison.Ordinal)
            .Replace("\"admins\": {", "\"fresh\": { \"Claims\": { \"plan\": [ \"none\" ] } }, \"admins\": {", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("Web", "/admins/x", ("Authorization", Password)));

        // And one that is missing.
        var status = Gateway.Services.GetRequiredService<ConfigurationStatus>();
        await ReloadAsync(text.Replace("\"AuthorizationPolicy\": \"admins\"", "\"AuthorizationPolicy\": \"nowhere\"", StringComparison.Ordinal));
        Assert.Contains("nowhere", Assert.Single(status.Current.Problems).ToString(), StringComparison.Ordinal);
    }
}
