using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Users.Schemes;

/// <summary>Stage 5 in a real Kestrel: endpoints that ask for a known user, for groups, for nobody. alice's password is "se:cret".</summary>
internal static class SchemesGateway
{
    private static readonly string Hash = Pbkdf2Hash.Create("se:cret", iterations: 1000).ToString();

    public static Task<MiniGateway> StartAsync(
        ListenerRole role,
        (string Key, string? Value)[]? settings = null,
        UserScheme[]? schemes = null,
        bool allowAnonymous = false,
        Action<IServiceCollection>? services = null) => MiniGateway.StartAsync(
        app =>
        {
            app.UseProxyErrors();
            app.UseRouting();
            app.UseUserAuthentication();
            app.UseUserAuthorization();
            var known = app.MapGet("/", Answer);
            if (!allowAnonymous)
            {
                known.RequireAuthorization();
            }

            app.MapPost("/", Answer).RequireAuthorization();
            app.MapGet("/admins", Answer).RequireAuthorization(policy => policy.RequireRole("admins"));
            app.MapGet("/policy/{name}", Answer);
            app.MapGet("/partners", Answer).RequireAuthorization("partners");
            app.MapGet("/open", Answer);
        },
        builder =>
        {
            builder.Configuration["Gateway:Users:Accounts:alice:PasswordHash"] = Hash;
            builder.Configuration["Gateway:Users:Accounts:alice:Groups:0"] = "staff";
            builder.Configuration["Gateway:Authentication:Guessing:AttemptsPerAddress"] = "1000";
            builder.Configuration["Gateway:Authentication:Guessing:AttemptsPerName"] = "1000";
            builder.Configuration["Gateway:Authentication:Policies:partners:Groups:0"] = "staff";
            foreach (var (key, value) in settings ?? [])
            {
                builder.Configuration[key] = value;
            }

            builder.Services.AddUsers();
            services?.Invoke(builder.Services);
        },
        role,
        connection => connection.Features.Set<IListenerFeature>(new Listener(role, allowAnonymous, schemes is null ? null : UserSchemeSet.Of(schemes))));

    public static MetricCollector<long> Attempts(MiniGateway gateway)
        => new(gateway.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), "PyProxy.Gateway", "pyproxy.authentication.attempts");

    public static async Task<HttpResponseMessage> SendAsync(MiniGateway gateway, string path, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in fields)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public static string Basic(string text) => "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text));

    private static string Answer(HttpContext context)
        => $"{context.User.Identity?.Name} Proxy-Authorization={context.Request.Headers.ProxyAuthorization} Authorization={context.Request.Headers.Authorization} "
            + $"X-Api-Key={context.Request.Headers["X-Api-Key"]} query={context.Request.QueryString}";

    private sealed record Listener(ListenerRole Role, bool AllowAnonymous, UserSchemeSet? Schemes) : IListenerFeature
    {
        public string Name => "test";
    }
}
