using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits.Overload.Machine;

internal static class MachineOptionsValidator
{
    public static void Validate(MachineOptions options, string path, ConfigurationErrors errors)
    {
        CheckShare(options.Descriptors, $"{path}:{nameof(options.Descriptors)}", errors);
        CheckShare(options.Memory, $"{path}:{nameof(options.Memory)}", errors);
        if (options.ThreadPoolDelay != TimeSpan.Zero
            && (options.ThreadPoolDelay < TimeSpan.FromMilliseconds(10) || options.ThreadPoolDelay > TimeSpan.FromMinutes(1)))
        {
            errors.Add($"{path}:{nameof(options.ThreadPoolDelay)}", $"{options.ThreadPoolDelay} is out of range; write 00:00:00.010 to 00:01:00, or 0.");
        }

        if (options.QueueTimeout < TimeSpan.FromMilliseconds(50) || options.QueueTimeout > TimeSpan.FromMinutes(1))
        {
            errors.Add($"{path}:{nameof(options.QueueTimeout)}", $"{options.QueueTimeout} is out of range; write 00:00:00.050 to 00:01:00.");
        }
    }

    private static void CheckShare(double share, string path, ConfigurationErrors errors)
    {
        if (share is not 0 and (< 0.1 or > 1))
        {
            errors.Add(path, "is out of range; write 0.1 to 1, or 0.");
        }
    }
}
