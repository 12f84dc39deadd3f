namespace PyProxy.Gateway.Configuration;

/// <summary>How the configuration in force came about and what happened to the latest attempt to replace it.</summary>
/// <param name="Source">The file, or the embedded defaults.</param>
/// <param name="Generation">One after the start, one more with every configuration that was taken.</param>
/// <param name="LastSuccess">When the configuration in force was taken.</param>
/// <param name="LastAttempt">When the file was last looked at as a whole.</param>
/// <param name="Problems">What was wrong with the latest attempt; empty when it was taken.</param>
/// <param name="NeedsRestart">JSON paths of settings whose new value waits for a restart.</param>
internal sealed record ConfigurationState(
    string Source,
    int Generation,
    DateTimeOffset LastSuccess,
    DateTimeOffset LastAttempt,
    IReadOnlyList<ConfigurationProblem> Problems,
    IReadOnlyList<string> NeedsRestart);

/// <summary>The state for whoever asks: admin API, health, tests.</summary>
internal sealed class ConfigurationStatus(string source, TimeProvider time)
{
    private volatile ConfigurationState _current = new(source, 1, time.GetUtcNow(), time.GetUtcNow(), [], []);

    public ConfigurationState Current => _current;

    public void Applied(IReadOnlyList<string> needsRestart)
    {
        var now = time.GetUtcNow();
        var current = _current;
        _current = current with
        {
            Generation = current.Generation + 1,
            LastSuccess = now,
            LastAttempt = now,
            Problems = [],
            NeedsRestart = needsRestart,
        };
    }

    public void Rejected(IReadOnlyList<ConfigurationProblem> problems) =>
        _current = _current with { LastAttempt = time.GetUtcNow(), Problems = problems };
}
