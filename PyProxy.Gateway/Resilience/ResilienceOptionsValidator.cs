using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Resilience;

internal sealed class ResilienceOptionsValidator : ISectionValidator<ResilienceOptions>
{
    public void Validate(ResilienceOptions options, string path, ConfigurationErrors errors)
    {
        foreach (var (name, pipeline) in options.Pipelines)
        {
            var at = $"{path}:{nameof(ResilienceOptions.Pipelines)}:{name}";
            if (!PipelineNames.IsKnown(name))
            {
                errors.Add(at, $"No pipeline has this name. Known: {string.Join(", ", PipelineNames.All)}.");
                continue;
            }

            ValidatePipeline(pipeline ?? new PipelineOptions(), at, errors);
        }
    }

    private static void ValidatePipeline(PipelineOptions pipeline, string path, ConfigurationErrors errors)
    {
        Between(pipeline.Timeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10), $"{path}:{nameof(PipelineOptions.Timeout)}", errors);
        Between(pipeline.Delay, TimeSpan.Zero, TimeSpan.FromMinutes(1), $"{path}:{nameof(PipelineOptions.Delay)}", errors);
        Between(pipeline.MaxDelay, pipeline.Delay, TimeSpan.FromMinutes(5), $"{path}:{nameof(PipelineOptions.MaxDelay)}", errors);
        if (pipeline.MaxRetries is < 0 or > 10)
        {
            errors.Add($"{path}:{nameof(PipelineOptions.MaxRetries)}", string.Create(CultureInfo.InvariantCulture, $"{pipeline.MaxRetries} is not between 0 and 10."));
        }
    }

    private static void Between(TimeSpan value, TimeSpan least, TimeSpan most, string path, ConfigurationErrors errors)
    {
        if (value < least || value > most)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"{value:c} is not between {least:c} and {most:c}."));
        }
    }
}
