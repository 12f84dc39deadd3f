using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Http.Tries;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace PyProxy.Gateway.Reverse;

/// <summary>Puts the rules that HTTP demands behind a route's own transforms, so that configuration cannot undo them.</summary>
internal sealed class ReverseTransforms(ProxyRequestRules rules, MessagePrivacy privacy, RefusalWriter refusals, ResponseFilter responses) : ITransformProvider
{
    public void Apply(TransformBuilderContext context)
    {
        context.RequestTransforms.Add(new RulesTransform(rules, privacy, refusals, hasTransforms: context.RequestTransforms.Count > 0));
        context.RequestTransforms.Add(SendingTransform.Instance);
        context.ResponseTransforms.Insert(0, AnsweredTransform.Instance);
        context.ResponseTransforms.Add(HoldBackTransform.Instance);
        context.ResponseTransforms.Add(new PrivacyTransform(privacy));
        context.ResponseTransforms.Add(new FilterTransform(responses));
    }

    public void ValidateRoute(TransformRouteValidationContext context)
    {
        // There is nothing to configure.
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
        // There is nothing to configure.
    }

    private sealed class RulesTransform(ProxyRequestRules rules, MessagePrivacy privacy, RefusalWriter refusals, bool hasTransforms) : RequestTransform
    {
        private static readonly ProxyError TransformedDotSegment = ProxyErrors.BadRequest("The route turns this path into one with a dot segment.");

        public override ValueTask ApplyAsync(RequestTransformContext context)
        {
            rules.Apply(context.HttpContext, context.ProxyRequest, context.HeadersCopied);
            privacy.ApplyToRequest(context.HttpContext, context.ProxyRequest);
            if (context.ProxyRequest.RequestUri is not null)
            {
                return ValueTask.CompletedTask; // a transform has made the whole of it
            }

            var request = context.HttpContext.Request;
            var target = RequestTarget.Split(context.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
            if (!hasTransforms)
            {
                context.ProxyRequest.RequestUri = UpstreamPath.MakeUri(
                    context.DestinationPrefix, target.Path, privacy.ApplyToQuery(context.HttpContext, target.Query));
                return ValueTask.CompletedTask;
            }

            // PathString's own comparison ignores case.
            var path = string.Equals(context.Path.Value, request.Path.Value, StringComparison.Ordinal)
                ? target.Path
                : UpstreamPath.Encode(context.Path.Value, request.Path.Value, target.Path);
            if (PathSafety.HasDotSegment(path))
            {
                // Only a transform can have made it: a route value that was encoded twice, or the configuration itself. The answer is given here,
                // because YARP takes an exception from a transform for a fault of the gateway's.
                return new ValueTask(refusals.WriteAsync(context.HttpContext, TransformedDotSegment));
            }

            var query = context.Query.QueryString;
            var raw = query == request.QueryString ? target.Query : query.ToUriComponent();
            context.ProxyRequest.RequestUri = UpstreamPath.MakeUri(context.DestinationPrefix, path, privacy.ApplyToQuery(context.HttpContext, raw));
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>An answer that another try follows upon goes no further; what stands behind this need not look at it.</summary>
    private sealed class HoldBackTransform : ResponseTransform
    {
        public static readonly HoldBackTransform Instance = new();

        public override ValueTask ApplyAsync(ResponseTransformContext context)
        {
            if (context.ProxyResponse is { } response && RequestTries.Of(context.HttpContext) is { } tries && tries.HoldsBack((int)response.StatusCode))
            {
                context.SuppressResponseBody = true;
            }

            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Last of all: from here on the destination is waited for. Nothing is, where a refusal stands already.</summary>
    private sealed class SendingTransform : RequestTransform
    {
        public static readonly SendingTransform Instance = new();

        public override ValueTask ApplyAsync(RequestTransformContext context)
        {
            if (!context.HttpContext.Response.HasStarted)
            {
                Exchange.Of(context.HttpContext).UpstreamObserver?.OnSending(context.ProxyRequest);
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class AnsweredTransform : ResponseTransform
    {
        public static readonly AnsweredTransform Instance = new();

        public override ValueTask ApplyAsync(ResponseTransformContext context)
        {
            Exchange.Of(context.HttpContext).UpstreamObserver?.OnAnswered((int?)context.ProxyResponse?.StatusCode);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class PrivacyTransform(MessagePrivacy privacy) : ResponseTransform
    {
        public override ValueTask ApplyAsync(ResponseTransformContext context)
        {
            if (context.ProxyResponse is not null)
            {
                privacy.ApplyToResponse(context.HttpContext);
            }

            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Behind a route's own response transforms: rules judge what the client would get.</summary>
    private sealed class FilterTransform(ResponseFilter responses) : ResponseTransform
    {
        public override async ValueTask ApplyAsync(ResponseTransformContext context)
        {
            if (context is { ProxyResponse: not null, SuppressResponseBody: false } && !await responses.ApplyAsync(context.HttpContext))
            {
                context.SuppressResponseBody = true; // a refusal stands in its place
            }
        }
    }
}
