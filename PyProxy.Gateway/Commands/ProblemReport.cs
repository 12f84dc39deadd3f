using System.Globalization;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Commands;

/// <summary>Problems as compilers print them, so that editors and CI find the line.</summary>
internal static class ProblemReport
{
    public static void Write(TextWriter output, ConfigurationFile file, IReadOnlyList<ConfigurationProblem> problems)
    {
        foreach (var problem in problems)
        {
            output.WriteLine(problem);
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{file.DisplayName}: {problems.Count} {(problems.Count == 1 ? "problem" : "problems")}, nothing was started"));
    }
}
