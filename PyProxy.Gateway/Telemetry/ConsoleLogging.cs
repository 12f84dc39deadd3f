using Microsoft.Extensions.Logging.Console;

namespace PyProxy.Gateway.Telemetry;

/// <summary>The operator's log on the console.</summary>
internal static class ConsoleLogging
{
    /// <summary>
    /// What strangers can cause at will is not for the console: the access log has one line of it. The framework's lines about listeners
    /// would say again what the gateway's own say with roles.
    /// </summary>
    private static readonly LoggerFilterRule[] Defaults =
    [
        Rule("Microsoft.AspNetCore", LogLevel.Warning),
        Rule("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None), // where it may log anything, every request costs an activity and a log scope
        Rule("Microsoft.AspNetCore.DataProtection", LogLevel.Error), // that keys lie unencrypted: below the data directory, for the gateway's user only
        Rule("Microsoft.Hosting.Lifetime", LogLevel.Warning),
        Rule("PyProxy.Gateway.Admin.Api.AdminAuthenticationHandler", LogLevel.Warning),
        Rule("PyProxy.Gateway.Users.Schemes.Attempts", LogLevel.Warning),
        Rule("Yarp", LogLevel.Warning),
        Rule("Yarp.ReverseProxy.Forwarder.HttpForwarder", LogLevel.Error), // a stack trace at Warning for each destination that fails
    ];

    /// <summary>One line an entry, on standard error: standard output belongs to the access log. <c>Logging:LogLevel</c> overrides the defaults.</summary>
    public static ILoggingBuilder AddGatewayConsole(this ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(static console => console.SingleLine = true);
        logging.Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.Services.Configure<LoggerFilterOptions>(static options =>
        {
            // In front: of two rules for one category the last counts, and that is to be the operator's.
            for (var i = 0; i < Defaults.Length; i++)
            {
                options.Rules.Insert(i, Defaults[i]);
            }
        });
        return logging;
    }

    private static LoggerFilterRule Rule(string category, LogLevel level) => new(providerName: null, category, level, filter: null);
}
