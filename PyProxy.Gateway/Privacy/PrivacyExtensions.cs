using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Privacy;

internal static class PrivacyExtensions
{
    /// <summary>What requests and responses reveal. Both proxies ask <see cref="MessagePrivacy"/> from their transforms.</summary>
    public static IServiceCollection AddPrivacy(this IServiceCollection services)
    {
        services.AddGatewaySection<PrivacyOptions, PrivacyOptionsValidator>(PrivacyOptions.SectionPath);
        services.TryAddSingleton<PrivacyRuntime>();
        services.TryAddSingleton<MessagePrivacy>();
        return services;
    }
}

/// <summary>Privacy as the proxies' transforms see it.</summary>
internal sealed class MessagePrivacy(PrivacyRuntime runtime, Via via, GatewayIdentity identity)
{
    /// <summary>The profile of a request; its response is to be given to the same one, whatever a reload brings meanwhile.</summary>
    public PrivacyProfile? ProfileOf(HttpContext context)
    {
        if (context.Features.Get<PrivacyProfile>() is { } chosen)
        {
            return chosen;
        }

        if (context.Features.Get<Exchange>() is not { } exchange || runtime.ProfileOf(exchange) is not { } profile)
        {
            return null;
        }

        context.Features.Set(profile);
        return profile;
    }

    public void ApplyToRequest(HttpContext context, HttpRequestMessage request)
        => ProfileOf(context)?.ApplyToRequest(context, request, via.ForRequest(context.Request.Protocol), identity);

    public ReadOnlySpan<char> ApplyToQuery(HttpContext context, ReadOnlySpan<char> query)
        => ProfileOf(context) is { } profile ? profile.ApplyToQuery(query) : query;

    public void ApplyToResponse(HttpContext context) => ProfileOf(context)?.ApplyToResponse(context.Response.Headers);
}
