using System.Diagnostics;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>The real <c>curl</c>.</summary>
internal static class Curl
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Runs curl without reading any configuration of the machine's.</summary>
    /// <returns>Exit code and standard output.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("curl") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-q", "--silent", "--noproxy", "", "--max-time", "20", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        await error;
        return (process.ExitCode, output);
    }
}
