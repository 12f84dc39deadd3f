namespace PyProxy.Gateway.Traffic;

/// <summary>Connection feature: the listener that accepted the connection. Absent on listeners without configuration (<c>--urls</c>).</summary>
internal interface IListenerFeature
{
    /// <summary>Name in <c>Kestrel:Endpoints</c>.</summary>
    string Name { get; }

    ListenerRole Role { get; }

    /// <summary>Whether clients may stay anonymous here (<c>AllowAnonymous</c>).</summary>
    bool AllowAnonymous { get; }

    /// <summary>The ways to prove who one is that are open here (<c>AuthenticationSchemes</c>); <see langword="null"/> where the endpoint does not say.</summary>
    UserSchemeSet? Schemes => null;

    /// <summary>Plan in <c>Gateway:Plans</c> that everything counts against that comes in here; <see langword="null"/> = none.</summary>
    string? Plan => null;

    /// <summary>What is done about the trace context of clients; <see langword="null"/> where the endpoint does not say.</summary>
    TraceContext? TraceContext => null;
}
