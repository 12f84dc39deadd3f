using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using static PyProxy.Gateway.Tests.Users.Schemes.SchemesGateway;

namespace PyProxy.Gateway.Tests.Users.Schemes;

/// <summary>What an ASP.NET Core developer expects to work behind the gateway's own middlewares: the framework's services, attributes and policies.</summary>
public sealed class FrameworkTests : IAsyncLifetime
{
    private static readonly string Hash = PasswordHash.Create("se:cret").ToString();

    private MiniGateway _gateway = null!;

    public async ValueTask InitializeAsync() => _gateway = await MiniGateway.StartAsync(
        static app =>
        {
            app.UseProxyErrors();
            app.UseRouting();
            app.UseUserAuthentication();
            app.UseUserAuthorization();
            app.MapGet("/known", [Authorize] (HttpContext context) => context.User.Identity!.Name);
            app.MapGet("/staff", [Authorize(Roles = "staff")] () => "in");
            app.MapGet("/admins", [Authorize(Roles = "admins")] () => "in");
            app.MapGet("/by-key", [Authorize(AuthenticationSchemes = "ApiKey")] () => "in");
            app.MapGet("/coded", [Authorize("coded")] () => "in");
            app.MapGet("/service", [Authorize] async (HttpContext context, IAuthorizationService authorization) =>
                (await authorization.AuthorizeAsync(context.User, "coded")).Succeeded.ToString());
            app.MapGroup("/group").RequireAuthorization().MapGet("/open", () => "in").AllowAnonymous();
            app.MapGet("/asks", async (HttpContext context) =>
            {
                var any = await context.AuthenticateAsync();
                var basic = await context.AuthenticateAsync("Basic");
                var key = await context.AuthenticateAsync("ApiKey");
                return $"{any.Principal?.Identity?.Name} {any.Ticket?.AuthenticationScheme} {basic.Succeeded} {key.Succeeded} {key.None}";
            });
            app.MapGet("/challenges", (HttpContext context) => context.ChallengeAsync("Basic"));
            app.MapGet("/forbids", (HttpContext context) => context.ForbidAsync());
            app.MapGet("/replaces", [Authorize] (HttpContext context) =>
            {
                context.User = new(new System.Security.Claims.ClaimsIdentity("other"));
                return $"{context.User.Identity!.AuthenticationType} {context.Features.Get<IAuthenticateResultFeature>()!.AuthenticateResult is null}";
            });
        },
        static builder =>
        {
            builder.Configuration["Gateway:Users:Accounts:alice:PasswordHash"] = Hash;
            builder.Configuration["Gateway:Users:Accounts:alice:Groups:0"] = "staff";
            builder.Configuration["Gateway:Users:Accounts:alice:Plan"] = "gold";
            builder.Services.AddUsers();
            builder.Services.AddAuthorizationBuilder().AddPolicy("coded", static policy => policy.RequireClaim(GatewayClaimTypes.Plan, "gold"));
        });

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Theory]
    [InlineData("/known", 200, "alice")]
    [InlineData("/staff", 200, "in")]
    [InlineData("/admins", 403, null)]
    [InlineData("/by-key", 401, null)]
    [InlineData("/coded", 200, "in")]
    [InlineData("/service", 200, "True")]
    [InlineData("/group/open", 200, "in")]
    [InlineData("/asks", 200, "alice Basic True False True")]
    [InlineData("/challenges", 401, null)]
    [InlineData("/forbids", 403, null)]
    [InlineData("/replaces", 200, "other True")]
    public async Task KnownUser_IsJudgedAsTheFrameworkWould(string path, int status, string? body)
    {
        using var response = await SendAsync(_gateway, path, ("Authorization", Basic("alice:se:cret")));

        Assert.Equal(status, (int)response.StatusCode);
        if (body is not null)
        {
            Assert.Equal(body, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("/known", 401)]
    [InlineData("/coded", 401)]
    [InlineData("/by-key", 401)]
    [InlineData("/group/open", 200)]
    public async Task Nobody_IsAskedWhereTheFrameworkWouldAsk(string path, int status)
    {
        using var response = await SendAsync(_gateway, path);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 401, response.Headers.WwwAuthenticate.Count > 0);
    }

    [Fact]
    public async Task SchemesByName_AreTheGateways()
    {
        var schemes = await _gateway.Services.GetRequiredService<IAuthenticationSchemeProvider>().GetAllSchemesAsync();

        Assert.Equal(
            ["ApiKey", "Basic", "Bearer", "ClientAddress", "ClientCertificate", "Socks5", "Users"],
            schemes.Select(scheme => scheme.Name).Order(StringComparer.Ordinal));
    }
}
