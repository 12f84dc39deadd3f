using System.ComponentModel;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>The section <c>Gateway:Usage</c>: the ledger of what users use, and what a used-up quota is answered with.</summary>
internal sealed class UsageOptions
{
    [Description("Whether what users use is written to the database, per user and day. Quotas need it to survive a restart. Default: true.")]
    public bool Ledger { get; init; } = true;

    [Description("How often usage is written; a crash loses what is not. hh:mm:ss.fff, 100 ms to 1 min. Default: 00:00:01.")]
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(1);

    [Description("Status of the answer to who has used up a quota: 403 or 429. Default: 403.")]
    public int QuotaStatus { get; init; } = StatusCodes.Status403Forbidden;
}

internal sealed class UsageOptionsValidator : ISectionValidator<UsageOptions>
{
    public void Validate(UsageOptions options, string path, ConfigurationErrors errors)
    {
        if (options.FlushInterval < TimeSpan.FromMilliseconds(100) || options.FlushInterval > TimeSpan.FromMinutes(1))
        {
            errors.Add($"{path}:FlushInterval", "must be from 00:00:00.100 to 00:01:00.");
        }

        if (options.QuotaStatus is not (StatusCodes.Status403Forbidden or StatusCodes.Status429TooManyRequests))
        {
            errors.Add($"{path}:QuotaStatus", "must be 403 or 429.");
        }
    }
}
