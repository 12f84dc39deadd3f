using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;
using PyProxy.Gateway.Tests.Functional;
using Xunit.v3;

[assembly: ShowSharedGatewayLog]

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>
/// The operator's log of a gateway in a test: part of the test's own output, which is shown when it fails. Where several tests share the
/// gateway, the last lines of all that are shared are kept for whichever fails.
/// </summary>
internal sealed class GatewayLog : ILoggerProvider
{
    private const int MostShared = 200;
    private static readonly ConcurrentQueue<string> Recent = new();

    private readonly ITestOutputHelper? _test = TestContext.Current.TestOutputHelper;

    /// <summary>The last lines of shared gateways.</summary>
    public static IEnumerable<string> Shared => Recent;

    /// <summary>In place of the console, which all tests share.</summary>
    public static void ReplaceConsole(IServiceCollection services)
    {
        foreach (var console in services.Where(static service => service.ImplementationType == typeof(ConsoleLoggerProvider)).ToList())
        {
            services.Remove(console);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILoggerProvider, GatewayLog>());
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private void Write(string line)
    {
        try
        {
            if (_test is not null)
            {
                _test.WriteLine(line);
                return;
            }
        }
        catch (InvalidOperationException)
        {
            // The test is over, and the gateway is not quite.
        }

        Recent.Enqueue(line);
        while (Recent.Count > MostShared)
        {
            Recent.TryDequeue(out _);
        }
    }

    private sealed class Logger(GatewayLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Write(string.Create(
                CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {logLevel} {category} {formatter(state, exception)}{(exception is null ? "" : $"\n{exception}")}"));
    }
}

/// <summary>A test that fails says what shared gateways have said lately.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class ShowSharedGatewayLogAttribute : BeforeAfterTestAttribute
{
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            foreach (var line in GatewayLog.Shared)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"shared: {line}");
            }
        }
    }
}
