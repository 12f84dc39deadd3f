using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Telemetry;

internal sealed class TelemetryOptionsValidator : ISectionValidator<TelemetryOptions>
{
    public void Validate(TelemetryOptions options, string path, ConfigurationErrors errors)
    {
        var at = $"{path}:{nameof(TelemetryOptions.AccessLog)}";
        var accessLog = options.AccessLog;
        if (!Enum.IsDefined(accessLog.Format))
        {
            errors.Add($"{at}:{nameof(AccessLogOptions.Format)}", $"Unknown format. Known: {string.Join(", ", Enum.GetNames<AccessLogFormat>())}.");
        }

        if (accessLog.Path.Contains('\0', StringComparison.Ordinal) || (accessLog.Path.Length > 0 && string.IsNullOrWhiteSpace(accessLog.Path)))
        {
            errors.Add($"{at}:{nameof(AccessLogOptions.Path)}", "This is not the name of a file; \"-\" is standard output, \"\" turns the access log off.");
        }
        else if (System.IO.Path.EndsInDirectorySeparator(accessLog.Path) || Directory.Exists(accessLog.Path))
        {
            errors.Add($"{at}:{nameof(AccessLogOptions.Path)}", $"\"{accessLog.Path}\" is a directory; a file is needed.");
        }
    }
}
