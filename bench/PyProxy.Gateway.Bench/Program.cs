using BenchmarkDotNet.Running;
using PyProxy.Gateway.Bench.Limits;

// dotnet run -c Release --project bench/PyProxy.Gateway.Bench -- --filter '*'
if (args is ["idle-users"])
{
    await IdleUsers.RunAsync();
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(LimitBenchmarks).Assembly).Run(args);
