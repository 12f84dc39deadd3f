using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/PyProxy.Gateway.Bench -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
