using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Bench;

/// <summary>
/// Stage 5 for a request of a user whose password was verified a short while ago: who asks, and whether the user may. Both pipelines end in the same
/// empty endpoint and use the same digest cache; what differs is the way there.
/// <code>dotnet run -c Release --project bench/PyProxy.Gateway.Bench -- --filter '*Authentication*'</code>
/// What <see cref="Gateway"/> and <see cref="GatewayApiKey"/> allocate for a request, all of it: <c>KnownUserFeature</c>, 40 bytes: header and type 16,
/// principal, result and scheme name 8 each; the ticket and the result of ASP.NET Core are made when somebody asks for them. Nothing for the
/// decoding (stack), the digest (stack), the look-up (the user's object is shared by all requests) and the policy (read once per endpoint), and no
/// state machine, because nothing waits.
/// What <see cref="Framework"/> allocates, 4,552 bytes in all: a service scope for <c>RequestServices</c>, a handler with its initialisation, name and
/// password as strings, ticket, properties with two dictionaries, result and their tasks, the authentication features, the dictionary of
/// <c>HttpContext.Items</c> for one mark, the evaluation's context with its sets of requirements, and the state machines of two middlewares.
/// </summary>
[MemoryDiagnoser]
public class AuthenticationBenchmarks : IDisposable
{
    private const string Password = "correct horse battery staple";

    private readonly Endpoint _endpoint = new(static _ => Task.CompletedTask, new EndpointMetadataCollection(new AuthorizeAttribute()), "bench");
    private readonly Endpoint _keyed = new(static _ => Task.CompletedTask, new EndpointMetadataCollection(new AuthorizeAttribute("keyed")), "keyed");
    private readonly (string Id, string Key) _apiKey = GeneratedCredential.NewApiKey();
    private readonly DefaultHttpContext _context = new();
    private readonly Exchange _exchange = new() { Id = "bench", Role = ListenerRole.Reverse };
    private readonly string _field = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"alice:{Password}"));
    private readonly Features _features = new();
    private ServiceProvider _gatewayServices = null!;
    private ServiceProvider _frameworkServices = null!;
    private RequestDelegate _gateway = null!;
    private RequestDelegate _framework = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        (_gatewayServices, _gateway) = Build(static services => { }, static app => app.UseUserAuthentication().UseUserAuthorization());
        (_frameworkServices, _framework) = Build(
            static services => services.AddAuthentication(static options => options.DefaultScheme = FrameworkHandler.SchemeName)
                .AddScheme<AuthenticationSchemeOptions, FrameworkHandler>(FrameworkHandler.SchemeName, configureOptions: null),
            static app => app.UseAuthentication().UseAuthorization());
        await _gatewayServices.GetRequiredService<IUserLookup>().VerifyPasswordAsync("alice", Password, CancellationToken.None);
        await _frameworkServices.GetRequiredService<IUserLookup>().VerifyPasswordAsync("alice", Password, CancellationToken.None);
        await Gateway();
        Check();
        await Framework();
        Check();
        await _gatewayServices.GetRequiredService<IUserLookup>().FindByApiKeyAsync(_apiKey.Key, CancellationToken.None);
        await GatewayApiKey();
        Check();
    }

    /// <summary>The gateway's own middlewares.</summary>
    [Benchmark]
    public Task Gateway() => RunAsync(_gateway, _gatewayServices);

    /// <summary>The same for an API key, on a route whose policy takes keys only.</summary>
    [Benchmark]
    public Task GatewayApiKey() => RunAsync(_gateway, _gatewayServices, _keyed, _apiKey.Key);

    /// <summary>An <c>AuthenticationHandler</c> as the framework's documentation has it, with the same cache behind it.</summary>
    [Benchmark(Baseline = true)]
    public Task Framework() => RunAsync(_framework, _frameworkServices);

    /// <summary>What the benchmark itself costs: a reset of the reused request.</summary>
    [Benchmark]
    public Task Nothing() => RunAsync(static _ => Task.CompletedTask, _gatewayServices);

    public void Dispose()
    {
        _gatewayServices?.Dispose();
        _frameworkServices?.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task RunAsync(RequestDelegate pipeline, ServiceProvider services, Endpoint? endpoint = null, string? apiKey = null)
    {
        // As Kestrel does it: the context and the common features are reused from request to request, the scope is made on demand.
        _features.Reset(_exchange, endpoint ?? _endpoint, apiKey is null ? _field : default, apiKey);
        _context.Initialize(_features.Collection);
        _context.ServiceScopeFactory = services.GetRequiredService<IServiceScopeFactory>();
        await pipeline(_context);
        await _features.CompleteAsync();
        _context.Uninitialize();
    }

    private void Check()
    {
        if (_exchange.User is null && _features.LastUser?.Identity?.IsAuthenticated != true)
        {
            throw new InvalidOperationException("The request was not authenticated.");
        }

        _exchange.Account = null;
    }

    private (ServiceProvider Services, RequestDelegate Pipeline) Build(Action<IServiceCollection> configure, Action<IApplicationBuilder> stages)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Gateway:Users:Accounts:alice:PasswordHash", PasswordHash.Create(Password).ToString()),
            new("Gateway:Users:CredentialCacheDuration", "01:00:00"),
            new($"Gateway:Users:Accounts:alice:ApiKeys:{_apiKey.Id}", KeyedHash.CreateGenerated(_apiKey.Key).ToString()),
            new("Gateway:Authentication:Policies:keyed:Schemes:0", "ApiKey"),
        ]).Build();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddSingleton(new GatewayIdentity("bench"));
        services.AddLogging().AddMetrics().AddRouting();
        services.AddProxyErrors();
        services.AddUsers();
        configure(services);
        var provider = services.BuildServiceProvider();
        var app = new ApplicationBuilder(provider);
        stages(app);
        app.Run(static _ => Task.CompletedTask);
        return (provider, app.Build());
    }

    /// <summary>The features of a request, reused.</summary>
    private sealed class Features : IEndpointFeature
    {
        private readonly FeatureCollection _collection = new();
        private readonly HttpRequestFeature _request = new();
        private readonly HttpResponseFeature _response = new();

        public IFeatureCollection Collection => _collection;

        public Endpoint? Endpoint { get; set; }

        public ClaimsPrincipal? LastUser { get; private set; }

        public void Reset(Exchange exchange, Endpoint endpoint, StringValues field, StringValues apiKey)
        {
            Endpoint = endpoint;
            _request.Headers.Authorization = field;
            _request.Headers["X-Api-Key"] = apiKey;
            _collection.Set<IHttpRequestFeature>(_request);
            _collection.Set<IHttpResponseFeature>(_response);
            _collection.Set<IEndpointFeature>(this);
            _collection.Set(exchange);
        }

        public async ValueTask CompleteAsync()
        {
            LastUser = _collection.Get<IHttpAuthenticationFeature>()?.User;
            if (_collection.Get<IServiceProvidersFeature>() is IAsyncDisposable scope)
            {
                await scope.DisposeAsync();
            }

            _collection.Set<IServiceProvidersFeature>(null);
            _collection.Set<IItemsFeature>(null);
            _collection.Set<IHttpAuthenticationFeature>(null);
            _collection.Set<IAuthenticateResultFeature>(null);
            _collection.Set<IAuthenticationFeature>(null);
        }
    }
}

/// <summary>Basic authentication in the framework's way.</summary>
internal sealed class FrameworkHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, IUserLookup users)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "FrameworkBasic";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var decoded = Encoding.UTF8.GetString(Convert.FromBase64String(Request.Headers.Authorization.ToString()["Basic ".Length..]));
        var colon = decoded.IndexOf(':', StringComparison.Ordinal);
        var user = users.FindVerified(Encoding.UTF8.GetBytes(decoded[..colon]), Encoding.UTF8.GetBytes(decoded[(colon + 1)..]));
        return Task.FromResult(user is null
            ? AuthenticateResult.Fail("Unknown user or wrong password.")
            : AuthenticateResult.Success(new AuthenticationTicket(user.Principal, Scheme.Name)));
    }
}
