using System.Net;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Tests.Listeners;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Limits;

/// <summary>The gateway's limiter on plans of a test's own, without a server.</summary>
internal sealed class LimiterHarness : IDisposable
{
    private readonly ServiceProvider _services;

    public LimiterHarness(PlansOptions plans, LimitsOptions? limits = null)
    {
        Plans = new StaticOptions<PlansOptions>(plans);
        Limits = new StaticOptions<LimitsOptions>(limits ?? new LimitsOptions());
        var services = new ServiceCollection();
        services.AddMetrics().AddLogging().AddSingleton(GatewayIdentity.Create()).AddSingleton<Gateway.Http.RefusalWriter>();
        services.AddSingleton<TimeProvider>(Time);
        services.AddLimits();
        services.Replace(ServiceDescriptor.Singleton<IOptionsMonitor<PlansOptions>>(Plans));
        services.Replace(ServiceDescriptor.Singleton<IOptionsMonitor<LimitsOptions>>(Limits));
        _services = services.BuildServiceProvider();
        Limiter = _services.GetRequiredService<PlanRateLimiter>();
        Engine = _services.GetRequiredService<MemoryLimiterEngine>();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public StaticOptions<PlansOptions> Plans { get; }

    public StaticOptions<LimitsOptions> Limits { get; }

    public PlanRateLimiter Limiter { get; }

    public MemoryLimiterEngine Engine { get; }

    public IServiceProvider Services => _services;

    public static PlansOptions Plan(params string[] rates) => new() { ["standard"] = new() { Rates = rates } };

    public void Dispose() => _services.Dispose();

    public bool[] Ask(string user, int times) => [.. Enumerable.Range(0, times).Select(_ => Ask(user))];

    public bool Ask(string user) => Ask(Request(user));

    public bool Ask(HttpContext request)
    {
        using var lease = Limiter.AttemptAcquire(request);
        return lease.IsAcquired;
    }

    public static DefaultHttpContext Request(
        string? user,
        string address = "192.0.2.9",
        ListenerRole role = ListenerRole.Forward,
        WayIn wayIn = WayIn.Forward,
        string? plan = "Standard",
        string[]? groups = null,
        string? endpointPlan = null,
        string? rulePlan = null,
        string host = "origin.example")
    {
        var context = new DefaultHttpContext();
        Assert.True(HostPort.TryParse(host, 80, out var target));
        context.Features.Set(new Exchange
        {
            Id = "d-1",
            Role = role,
            WayIn = wayIn,
            Account = user is null ? null : new KnownUser(user, groups ?? [], plan),
            ClientAddress = IPAddress.Parse(address),
            Target = target,
            PlanByRule = rulePlan,
        });
        if (endpointPlan is not null)
        {
            context.Features.Set<IListenerFeature>(new Listener(role, endpointPlan));
        }

        return context;
    }

    private sealed record Listener(ListenerRole Role, string? Plan) : IListenerFeature
    {
        public string Name => "Proxy";

        public bool AllowAnonymous => true;
    }
}
