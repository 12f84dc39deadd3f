using System.Collections.Frozen;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace PyProxy.Gateway.Reverse;

/// <summary>Lets requests to a cluster whose metadata names an egress profile leave by it.</summary>
internal sealed class ClusterEgress(EgressChooser chooser) : ITransformProvider
{
    private const string Key = "EgressProfile";

    /// <summary>The profile that a cluster names; <see langword="null"/> where it names none.</summary>
    public static string? ProfileOf(IReadOnlyDictionary<string, string>? metadata)
    {
        foreach (var (key, value) in metadata ?? FrozenDictionary<string, string>.Empty)
        {
            if (key.Equals(Key, StringComparison.OrdinalIgnoreCase) && value.Length > 0)
            {
                return value;
            }
        }

        return null;
    }

    public void Apply(TransformBuilderContext context)
    {
        if (ProfileOf(context.Cluster?.Metadata) is { } profile)
        {
            context.RequestTransforms.Add(new ProfileTransform(chooser, profile));
        }
    }

    public void ValidateRoute(TransformRouteValidationContext context)
    {
        // There is nothing to configure.
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
        // Whether there is such a profile is judged for the whole configuration at once.
    }

    private sealed class ProfileTransform(EgressChooser chooser, string profile) : RequestTransform
    {
        public override ValueTask ApplyAsync(RequestTransformContext context)
        {
            context.ProxyRequest.Options.Set(EgressChoice.Key, chooser.ChooseNamed(profile, context.HttpContext.Features.Get<Exchange>()));
            return ValueTask.CompletedTask;
        }
    }
}
