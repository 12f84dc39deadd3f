namespace PyProxy.Gateway.Traffic;

/// <summary>Connection feature: the listener that accepted the connection. Absent on listeners without configuration (<c>--urls</c>).</summary>
internal interface IListenerFeature
{
    /// <summary>Name in <c>Kestrel:Endpoints</c>.</summary>
    string Name { get; }

    ListenerRole Role { get; }

    /// <summary>Whether clients may stay anonymous here (<c>AllowAnonymous</c>).</summary>
    bool AllowAnonymous { get; }

    /// <summary>Plan in <c>Gateway:Plans</c> that everything counts against that comes in here; <see langword="null"/> = none.</summary>
    string? Plan => null;
}
