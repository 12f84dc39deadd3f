namespace PyProxy.Gateway.Traffic;

/// <summary>Endpoint metadata: the endpoint exists only on listeners of this role; elsewhere it is as if it had never been mapped.</summary>
/// <param name="role">The role.</param>
internal sealed class ListenerRoleMetadata(ListenerRole role)
{
    public ListenerRole Role { get; } = role;
}
