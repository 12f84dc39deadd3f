using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Samples.HostBudget;

// The gateway with its whole command line, and one filter more.
return await PyProxy.Gateway.Program.RunAsync(args, services => services.AddTrafficFilter<HostBudgetFilter>("host-budget"));
