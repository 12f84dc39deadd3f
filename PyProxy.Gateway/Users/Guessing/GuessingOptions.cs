using System.ComponentModel;
using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Users.Guessing;

/// <summary><c>Gateway:Authentication:Guessing</c>.</summary>
internal sealed class GuessingOptions
{
    public const string SectionPath = "Gateway:Authentication:Guessing";

    [Description("How many wrong passwords for one user name are looked at without a delay: 1 to 1000. Default: 5.")]
    public int AttemptsPerName { get; init; } = 5;

    [Description("How many wrong passwords and keys from one address (IPv6: from one /64) are looked at without a delay: 1 to 100000. Default: 20.")]
    public int AttemptsPerAddress { get; init; } = 20;

    [Description("How long the next attempt is put off once there were too many, 00:00:00.1 to 01:00:00; each further one doubles it. Default: 00:00:01.")]
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    [Description("The longest delay, FirstDelay to 1.00:00:00. Default: 00:01:00.")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMinutes(1);

    [Description("After how long without a wrong attempt all is forgotten, MaxDelay to 7.00:00:00. Default: 00:15:00.")]
    public TimeSpan Memory { get; init; } = TimeSpan.FromMinutes(15);

    [Description("How many names and addresses are remembered, 1000 to 10000000; of more, those that were quiet for longest are forgotten. About 200 bytes each. Default: 100000.")]
    public int Tracked { get; init; } = 100_000;
}

internal sealed class GuessingOptionsValidator : ISectionValidator<GuessingOptions>
{
    public void Validate(GuessingOptions options, string path, ConfigurationErrors errors)
    {
        CheckCount(options.AttemptsPerName, 1, 1_000, $"{path}:{nameof(options.AttemptsPerName)}", errors);
        CheckCount(options.AttemptsPerAddress, 1, 100_000, $"{path}:{nameof(options.AttemptsPerAddress)}", errors);
        CheckCount(options.Tracked, 1_000, 10_000_000, $"{path}:{nameof(options.Tracked)}", errors);
        CheckSpan(options.FirstDelay, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1), $"{path}:{nameof(options.FirstDelay)}", errors);
        CheckSpan(options.MaxDelay, options.FirstDelay, TimeSpan.FromDays(1), $"{path}:{nameof(options.MaxDelay)}", errors);
        CheckSpan(options.Memory, options.MaxDelay, TimeSpan.FromDays(7), $"{path}:{nameof(options.Memory)}", errors);
    }

    private static void CheckCount(int value, int least, int most, string path, ConfigurationErrors errors)
    {
        if (value < least || value > most)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"must lie between {least} and {most}."));
        }
    }

    private static void CheckSpan(TimeSpan value, TimeSpan least, TimeSpan most, string path, ConfigurationErrors errors)
    {
        if (value < least || value > most)
        {
            errors.Add(path, $"must lie between {least} and {most}.");
        }
    }
}
