using System.Net;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>Whose an address is.</summary>
internal sealed class ClientAddresses(IReadOnlyList<ClientAddressOptions> options)
{
    private readonly (Cidr Range, string User)[] _entries =
        [.. options.Where(static entry => Cidr.TryParse(entry.Range, out _)).Select(static entry => (Cidr.Parse(entry.Range), entry.User))];

    public bool Any => _entries.Length > 0;

    /// <summary>The name of the user, or <see langword="null"/>.</summary>
    public string? UserOf(IPAddress? address)
    {
        if (address is null)
        {
            return null;
        }

        foreach (var (range, user) in _entries)
        {
            if (range.Contains(address))
            {
                return user;
            }
        }

        return null;
    }
}
