using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Telemetry.Log;

internal static class AccessLogOptionsValidator
{
    private const int MinKeyLength = 16;

    public static void Validate(AccessLogOptions options, string at, ConfigurationErrors errors)
    {
        if (!Enum.IsDefined(options.Format))
        {
            errors.Add($"{at}:{nameof(options.Format)}", $"Unknown format. Known: {string.Join(", ", Enum.GetNames<AccessLogFormat>())}.");
        }

        CheckPath(options.Path, $"{at}:{nameof(options.Path)}", errors);
        CheckFiles(options, at, errors);
        if (options.Format != AccessLogFormat.Json && options.Otlp)
        {
            errors.Add($"{at}:{nameof(options.Otlp)}", "needs Format Json: the attributes of OTLP records are its fields");
        }

        if (options.TunnelInterval != TimeSpan.Zero && options.TunnelInterval < TimeSpan.FromSeconds(10))
        {
            errors.Add($"{at}:{nameof(options.TunnelInterval)}", "must be 0 or at least 00:00:10");
        }
        else if (options.Format != AccessLogFormat.Json && options.TunnelInterval != TimeSpan.Zero)
        {
            errors.Add($"{at}:{nameof(options.TunnelInterval)}", "needs Format Json: the combined format cannot tell a record of an open tunnel from its last");
        }

        CheckFields(options, at, errors);
    }

    private static void CheckPath(string path, string at, ConfigurationErrors errors)
    {
        if (path.Contains('\0', StringComparison.Ordinal) || (path.Length > 0 && string.IsNullOrWhiteSpace(path)))
        {
            errors.Add(at, "This is not the name of a file; \"-\" is standard output, \"\" no file.");
        }
        else if (Path.EndsInDirectorySeparator(path) || Directory.Exists(path))
        {
            errors.Add(at, $"\"{path}\" is a directory; a file is needed.");
        }
    }

    private static void CheckFiles(AccessLogOptions options, string at, ConfigurationErrors errors)
    {
        if (options.RotateBytes is < 0 or (> 0 and < 4096))
        {
            errors.Add($"{at}:{nameof(options.RotateBytes)}", "must be 0 or at least 4096");
        }

        if (options.RotateInterval != TimeSpan.Zero && options.RotateInterval < TimeSpan.FromMinutes(1))
        {
            errors.Add($"{at}:{nameof(options.RotateInterval)}", "must be 0 or at least 00:01:00");
        }

        if (options.KeepFiles is < 1 or > 1000)
        {
            errors.Add($"{at}:{nameof(options.KeepFiles)}", "must be from 1 to 1000");
        }
    }

    private static void CheckFields(AccessLogOptions options, string at, ConfigurationErrors errors)
    {
        if (options.Hash.Length > 0 && (options.HashKey is null || options.HashKey.Length < MinKeyLength))
        {
            errors.Add($"{at}:{nameof(options.HashKey)}", "is needed for Hash, with at least 16 characters: without a key every address could be tried out");
        }

        foreach (var field in options.Drop.Concat(options.Mask).Concat(options.Hash).GroupBy(static field => field).Where(static group => group.Count() > 1))
        {
            errors.Add(at, $"{field.Key} stands more than once in Drop, Mask and Hash; one of them decides");
        }
    }
}
