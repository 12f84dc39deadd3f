using System.ComponentModel;
using System.Diagnostics;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A program of the machine's that is a client; where it is missing the test is skipped, and says what to install.</summary>
internal static class Tool
{
    private static readonly string[] ProxyVariables = ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

    /// <returns>Exit code, and standard output.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, string package, string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var variable in ProxyVariables)
        {
            start.Environment.Remove(variable);
        }

        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        using var process = Start(start, package);
        var cancellation = TestContext.Current.CancellationToken;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(cancellation).WaitAsync(RawClient.Patience, cancellation);
        await process.WaitForExitAsync(cancellation).WaitAsync(RawClient.Patience, cancellation);
        TestContext.Current.TestOutputHelper?.WriteLine(await error);
        return (process.ExitCode, output);
    }

    private static Process Start(ProcessStartInfo start, string package)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{start.FileName} is not on this machine: install the package {package}.");
            throw;
        }
    }
}
