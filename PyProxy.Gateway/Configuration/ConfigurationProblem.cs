using System.Globalization;

namespace PyProxy.Gateway.Configuration;

/// <summary>One thing wrong with a configuration, and where whoever mends it has to look.</summary>
/// <param name="JsonPath"><c>$.Gateway.Plans.standard.Rates[0]</c>.</param>
/// <param name="Message">What is wrong and what would be right.</param>
/// <param name="Source">The file, or <c>environment variable X</c>, or <c>command line</c>.</param>
/// <param name="Line">Line in the file, counted from one; <see langword="null"/> when it does not come from a file.</param>
internal sealed record ConfigurationProblem(string JsonPath, string Message, string Source, int? Line)
{
    public override string ToString() => Line is { } line
        ? string.Create(CultureInfo.InvariantCulture, $"{Source}:{line}: {JsonPath}: {Message}")
        : $"{Source}: {JsonPath}: {Message}";
}
