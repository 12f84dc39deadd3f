using System.Globalization;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>How enumerations are spelled in the access log and in metrics. <c>Enum.ToString</c> would allocate and follow every renaming.</summary>
internal static class Names
{
    public static string Name(this ListenerRole role) => role switch
    {
        ListenerRole.Forward => "forward",
        ListenerRole.Socks => "socks",
        ListenerRole.Admin => "admin",
        _ => "reverse",
    };

    public static string Name(this WayIn wayIn) => wayIn switch
    {
        WayIn.Forward => "forward",
        WayIn.Connect => "connect",
        WayIn.Socks => "socks",
        WayIn.Admin => "admin",
        _ => "reverse",
    };

    public static string Name(this Verdict verdict) => verdict switch
    {
        Verdict.Unauthenticated => "unauthenticated",
        Verdict.Denied => "denied",
        Verdict.Limited => "limited",
        _ => "allowed",
    };

    public static string Name(this Ending ending) => ending switch
    {
        Ending.Unauthenticated => "unauthenticated",
        Ending.Denied => "denied",
        Ending.Limited => "limited",
        Ending.ClientError => "client_error",
        Ending.GatewayError => "gateway_error",
        Ending.DestinationError => "destination_error",
        Ending.Aborted => "aborted",
        Ending.Overflow => "overflow",
        _ => "ok",
    };

    public static string Name(this Fault fault) => fault switch
    {
        Fault.Client => "client",
        Fault.Destination => "destination",
        _ => "gateway",
    };
}

/// <summary>Statuses as tag values, boxed once: a metric tag is an <see cref="object"/>.</summary>
internal static class StatusTags
{
    private static readonly object[] Statuses = [.. Enumerable.Range(0, 600).Select(status => (object)status)];

    public static object Boxed(int status) => (uint)status < (uint)Statuses.Length ? Statuses[status] : status;

    public static string Text(int status) => status.ToString(CultureInfo.InvariantCulture);
}
