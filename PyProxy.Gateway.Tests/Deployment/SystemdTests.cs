using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>The systemd unit, judged by systemd's own tools. It is not run: that takes a machine whose first process is systemd.</summary>
public sealed class SystemdTests
{
    private const string Unit = "deploy/systemd/pyproxy-gateway.service";

    /// <summary>In tenths; 10.0 is a service without any protection.</summary>
    private const string WorstExposure = "20";

    [Fact]
    public async Task Unit_IsUnderstoodWhole()
    {
        // A copy whose program is there, wherever this machine has it.
        using var directory = new TemporaryDirectory("deploy");
        var text = await RepositoryFiles.ReadAsync(Unit);
        Assert.Contains("ExecStart=/usr/bin/dotnet ", text, StringComparison.Ordinal);
        var copy = directory.Write("pyproxy-gateway.service", text.Replace("=/usr/bin/dotnet ", "=/bin/true ", StringComparison.Ordinal));

        var (code, output) = await SystemdAnalyzeAsync("verify", copy);
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Unit_IsHardened()
    {
        var (code, output) = await SystemdAnalyzeAsync("security", "--offline=yes", $"--threshold={WorstExposure}", RepositoryFiles.PathOf(Unit));
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Unit_IsNotStartedAgainOnAWrongConfiguration()
        => Assert.Contains("\nRestartPreventExitStatus=78\n", await RepositoryFiles.ReadAsync(Unit), StringComparison.Ordinal);

    private static Task<(int ExitCode, string Output)> SystemdAnalyzeAsync(params string[] arguments)
        => Tool.RunAsync("systemd-analyze", "systemd", "", arguments);
}
