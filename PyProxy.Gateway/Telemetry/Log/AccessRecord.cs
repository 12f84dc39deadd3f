using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>What a line of the access log is written from.</summary>
/// <param name="Context">The request; <see langword="null"/> of a tunnel that has outlived it.</param>
/// <param name="Exchange">The exchange.</param>
/// <param name="Outcome">How it ended, or stands.</param>
/// <param name="Time">When.</param>
/// <param name="IsInterim">Whether it goes on.</param>
internal readonly record struct AccessRecord(HttpContext? Context, Exchange Exchange, ExchangeOutcome Outcome, DateTimeOffset Time, bool IsInterim)
{
    // Only tunnels of HTTP/1.1 outlive their request; of those that still run it may be either.
    public string Method => Context?.Request.Method ?? HttpMethods.Connect;

    public string? Protocol => Context?.Request.Protocol ?? (IsInterim ? null : HttpProtocol.Http11);

    public string? DecidedBy => Exchange.DecidedBy ?? Exchange.Error?.DecidedBy;
}
