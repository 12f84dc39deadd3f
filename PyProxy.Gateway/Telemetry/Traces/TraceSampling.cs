using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Telemetry.Traces;

/// <summary>
/// Which exchanges are recorded: <c>Gateway:Telemetry:Traces:SampleRatio</c>, or the sampler that <c>OTEL_TRACES_SAMPLER</c> names. Asked before
/// a span is made, unlike the SDK's samplers, which makes an exchange that is not recorded cost a random number.
/// </summary>
internal sealed partial class TraceSampling
{
    private readonly Sampler _ofVariables;
    private readonly IOptionsMonitor<TelemetryOptions> _options;

    public TraceSampling(IConfiguration configuration, IOptionsMonitor<TelemetryOptions> options, ILogger<TraceSampling> logger)
    {
        _options = options;
        IsOn = OtlpSignals.IsWanted(configuration, OtlpSignals.Traces);
        _ofVariables = Read(configuration["OTEL_TRACES_SAMPLER"], configuration["OTEL_TRACES_SAMPLER_ARG"], logger);
    }

    /// <summary>Whether spans go anywhere.</summary>
    public bool IsOn { get; }

    /// <summary>Whether an exchange is recorded.</summary>
    /// <param name="parent">The client's context, or none; receives the id of the trace that was chosen where there was none.</param>
    public bool Decide(ref ActivityContext parent)
    {
        var sampler = _options.CurrentValue.Traces.SampleRatio is { } ratio ? new Sampler(ratio, FollowsParent: true) : _ofVariables;
        if (parent.TraceId != default)
        {
            return sampler.FollowsParent ? parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) : IsBelow(sampler.Ratio, BytesOf(parent.TraceId));
        }

        if (sampler.Ratio <= 0)
        {
            return false;
        }

        // By the id itself, so that others who sample by the same ratio choose the same traces.
        Span<byte> id = stackalloc byte[16];
        Random.Shared.NextBytes(id);
        id[15] |= 1; // an id of zeros is none
        if (!IsBelow(sampler.Ratio, BinaryPrimitives.ReadInt64BigEndian(id)))
        {
            return false;
        }

        parent = new ActivityContext(ActivityTraceId.CreateFromBytes(id), default, ActivityTraceFlags.None);
        return true;
    }

    // As the SDK's TraceIdRatioBased does it.
    private static bool IsBelow(double ratio, long id)
        => ratio >= 1 || (ratio > 0 && (id == long.MinValue ? 0 : Math.Abs(id)) < (long)(ratio * long.MaxValue));

    private static long BytesOf(ActivityTraceId id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.CopyTo(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private static Sampler Read(string? name, string? argument, ILogger logger)
    {
        var hasRatio = double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1;
        switch (name?.Trim().ToLowerInvariant())
        {
            case null or "" or "parentbased_always_on":
                return new Sampler(1, FollowsParent: true);
            case "parentbased_always_off":
                return new Sampler(0, FollowsParent: true);
            case "parentbased_traceidratio":
                return new Sampler(hasRatio ? ratio : 1, FollowsParent: true);
            case "always_on":
                return new Sampler(1, FollowsParent: false);
            case "always_off":
                return new Sampler(0, FollowsParent: false);
            case "traceidratio":
                return new Sampler(hasRatio ? ratio : 1, FollowsParent: false);
            default:
                LogUnknownSampler(logger, name);
                return new Sampler(1, FollowsParent: true);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "OTEL_TRACES_SAMPLER names \"{Sampler}\", which is not known here; parentbased_always_on is used")]
    private static partial void LogUnknownSampler(ILogger logger, string sampler);

    private readonly record struct Sampler(double Ratio, bool FollowsParent);
}
