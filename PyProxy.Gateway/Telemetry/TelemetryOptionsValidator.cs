using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Telemetry.Log;

namespace PyProxy.Gateway.Telemetry;

internal sealed class TelemetryOptionsValidator : ISectionValidator<TelemetryOptions>
{
    public void Validate(TelemetryOptions options, string path, ConfigurationErrors errors)
    {
        if (options.MaxUserSeries is < 0 or > TelemetryOptions.MostUserSeries)
        {
            errors.Add($"{path}:{nameof(TelemetryOptions.MaxUserSeries)}", "must be from 0 to 10000");
        }

        if (options.Traces.SampleRatio is not (null or (>= 0 and <= 1)))
        {
            errors.Add($"{path}:{nameof(TelemetryOptions.Traces)}:{nameof(TraceOptions.SampleRatio)}", "must be from 0 to 1");
        }

        AccessLogOptionsValidator.Validate(options.AccessLog, $"{path}:{nameof(TelemetryOptions.AccessLog)}", errors);
    }
}
