using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>Decides by which profile an exchange leaves: the rule's, else the user's, else the first plan's that names one, else the default.</summary>
internal sealed class EgressChooser(EgressRuntime runtime)
{
    /// <summary>How a forward exchange leaves. Takes turns, so it is asked once for each.</summary>
    /// <exception cref="ProxyException">The exchange is meant to leave by a profile that there is not.</exception>
    public EgressChoice Choose(Exchange exchange) => Choose(Find(exchange).Profile, exchange);

    /// <summary>How an exchange leaves to a cluster that names a profile; rules, users and plans have no say there.</summary>
    /// <exception cref="ProxyException">There is no profile of that name.</exception>
    public EgressChoice ChooseNamed(string profile, Exchange? exchange) => Choose(Get(profile), exchange);

    /// <summary>
    /// Which way the exchange would take now, and on whose word. Nothing is resolved, dialed, counted or taken a turn of; an upstream proxy is
    /// the one that would be tried first.
    /// </summary>
    /// <exception cref="ProxyException">The exchange is meant to leave by a profile that there is not.</exception>
    public EgressPreview Preview(Exchange exchange)
    {
        var (profile, origin) = Find(exchange);
        var host = HostOf(exchange);
        var user = UserOf(exchange);
        var source = profile.Sources.Peek(user, host);
        var upstream = profile.Upstreams?.Peek(user, host);
        return new EgressPreview(profile, origin, source, upstream, upstream is not null && upstream.ResolvesFor(exchange.Target, exchange.AddressCondition));
    }

    private static EgressChoice Choose(EgressProfile profile, Exchange? exchange)
    {
        var condition = exchange?.AddressCondition;
        if (!profile.HasChoices)
        {
            return condition is null ? profile.Plain : new EgressChoice(profile, profile.Plain.Source, condition);
        }

        var user = UserOf(exchange);
        return new EgressChoice(profile, profile.Sources.Choose(user, HostOf(exchange)), condition)
        {
            User = user,
            Exchange = exchange,
        };
    }

    private (EgressProfile Profile, EgressOrigin Origin) Find(Exchange exchange)
    {
        if (exchange.EgressProfile is { } byRule)
        {
            return (Get(byRule), EgressOrigin.Rule);
        }

        if (exchange.Account?.EgressProfile is { } byUser)
        {
            return (Get(byUser), EgressOrigin.User);
        }

        return exchange.EgressProfileByPlan is { } byPlan ? (Get(byPlan), EgressOrigin.Plan) : (runtime.Current.Default, EgressOrigin.Default);
    }

    // Not the default instead: whoever is to leave by a certain address must not be seen to leave by another.
    private EgressProfile Get(string name) => runtime.Current.Profiles.GetValueOrDefault(name) ?? throw new ProxyException(ProxyErrors.Misconfigured(
        $"This exchange is to leave by the egress profile \"{name}\", which there is not.", EgressOptions.ProfilesSetting));

    private static string UserOf(Exchange? exchange) => exchange?.User ?? exchange?.ClientAddress?.ToString() ?? "";

    private static string HostOf(Exchange? exchange) => exchange?.Target?.Host ?? "";
}

/// <summary>On whose word an exchange leaves by its profile.</summary>
internal enum EgressOrigin
{
    /// <summary>Nobody's: <c>Gateway:Egress:DefaultProfile</c>, or without it directly.</summary>
    Default = 0,

    /// <summary>A plan's.</summary>
    Plan,

    /// <summary>The user's own setting.</summary>
    User,

    /// <summary>A rule's.</summary>
    Rule,
}

/// <summary>The answer of <see cref="EgressChooser.Preview"/>.</summary>
/// <param name="Profile">The profile.</param>
/// <param name="By">On whose word.</param>
/// <param name="Source">Where it would leave from.</param>
/// <param name="Upstream">The upstream proxy that would be tried first; <see langword="null"/> = none: directly, or all are out.</param>
/// <param name="UpstreamResolves">Whether that one would be handed the name.</param>
internal sealed record EgressPreview(EgressProfile Profile, EgressOrigin By, SourcePair Source, UpstreamProxy? Upstream, bool UpstreamResolves);
