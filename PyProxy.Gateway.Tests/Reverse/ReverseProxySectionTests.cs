using PyProxy.Gateway.Reverse;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class ReverseProxySectionTests
{
    [Fact]
    public async Task SoundSection_HasNoErrors()
        => Assert.Empty(await ValidateAsync(("Routes:r:ClusterId", "c"), ("Routes:r:Match:Path", "/x"), ("Clusters:c:Destinations:d:Address", "http://h/")));

    [Fact]
    public async Task AbsentSection_HasNoErrors() => Assert.Empty(await ValidateAsync());

    [Fact]
    public async Task EveryMistake_IsReportedAtItsEntry()
    {
        var errors = await ValidateAsync(
            ("Routes:nowhere:ClusterId", "gone"),
            ("Routes:nowhere:Match:Path", "/x"),
            ("Routes:unmatched:ClusterId", "c"),
            ("Routes:policy:ClusterId", "c"),
            ("Routes:policy:Match:Path", "/y"),
            ("Routes:policy:AuthorizationPolicy", "unknown-policy"),
            ("Routes:policy:RateLimiterPolicy", "unknown-plan"),
            ("Clusters:c:Destinations:d:Address", "ftp://h/"),
            ("Clusters:c:LoadBalancingPolicy", "Best"));

        Assert.Contains(errors, static e => e.Path == "ReverseProxy:Routes:nowhere:ClusterId" && e.Message.Contains("gone", StringComparison.Ordinal));
        Assert.Contains(errors, static e => e.Path == "ReverseProxy:Routes:unmatched");
        Assert.Contains(errors, static e => e.Path == "ReverseProxy:Routes:policy:AuthorizationPolicy" && e.Message.Contains("unknown-policy", StringComparison.Ordinal));
        Assert.Contains(errors, static e => e.Path == "ReverseProxy:Routes:policy:RateLimiterPolicy" && e.Message.Contains("unknown-plan", StringComparison.Ordinal));
        Assert.Contains(errors, static e => e.Path == "ReverseProxy:Clusters:c" && e.Message.Contains("Best", StringComparison.Ordinal));
        Assert.Contains(errors, static e => e.Path == "ReverseProxy:Clusters:c:Destinations:d:Address" && e.Message.Contains("ftp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ValueOfTheWrongType_IsReportedAtItsEntry()
    {
        var errors = await ValidateAsync(
            ("Routes:r:ClusterId", "c"),
            ("Routes:r:Match:Path", "/x"),
            ("Routes:r:Order", "first"),
            ("Clusters:c:HttpRequest:ActivityTimeout", "soon"));

        Assert.Equal("ReverseProxy:Clusters:c ReverseProxy:Routes:r", string.Join(' ', errors.Select(static e => e.Path)));
    }

    [Fact]
    public async Task PolicyThatTheGatewayDefines_IsKnown()
    {
        var errors = await ValidateAsync(
            services => services.AddAuthorizationBuilder().AddPolicy("staff", static policy => policy.RequireAuthenticatedUser()),
            ("Routes:r:ClusterId", "c"),
            ("Routes:r:Match:Path", "/x"),
            ("Routes:r:AuthorizationPolicy", "staff"),
            ("Clusters:c:Destinations:d:Address", "http://h/"));

        Assert.Empty(errors);
    }

    private static Task<IReadOnlyList<ConfigurationError>> ValidateAsync(params (string Path, string Value)[] settings)
        => ValidateAsync(null, settings);

    private static async Task<IReadOnlyList<ConfigurationError>> ValidateAsync(
        Action<IServiceCollection>? policies, params (string Path, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(static s => KeyValuePair.Create($"ReverseProxy:{s.Path}", (string?)s.Value)))
            .Build();
        var errors = new ConfigurationErrors();
        await new ReverseProxySection(policies).ValidateAsync(configuration, errors);
        return errors.All;
    }
}
