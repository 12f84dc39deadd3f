using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits;

/// <summary>Of whom and of what a request is, in every respect that a limit may count by.</summary>
/// <param name="User">The user's name; <see langword="null"/> for an anonymous client.</param>
/// <param name="Address">The client's network, see <see cref="NetworkOf"/>.</param>
/// <param name="Route">YARP's route; empty on forward ways in.</param>
/// <param name="Host">The host asked for, in canonical spelling; may be empty where no plan counts by it.</param>
internal readonly record struct LimitSubject(string? User, UInt128 Address, string Route, string Host)
{
    /// <summary>The address itself for IPv4; for IPv6 its /64, of which one host can have every address.</summary>
    public static UInt128 NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return default;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv4MappedToIPv6)
        {
            address.TryWriteBytes(bytes, out _);
            bytes[8..].Clear();
        }
        else
        {
            // ::ffff:a.b.c.d cannot be mistaken for a /64, whose lower half is zero. Written out, for MapToIPv6 allocates.
            bytes.Clear();
            bytes[10..12].Fill(0xff);
            address.TryWriteBytes(bytes[(address.AddressFamily == AddressFamily.InterNetwork ? 12 : 0)..], out _);
        }

        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>What of the subject <paramref name="scope"/> counts by.</summary>
    public SubjectKey KeyIn(LimitScope scope)
    {
        var key = scope.Key;
        var byUser = key.HasFlag(LimitKey.User) && User is not null;
        var byAddress = key.HasFlag(LimitKey.Address) || (key.HasFlag(LimitKey.User) && User is null);
        return new SubjectKey(
            scope,
            byUser ? User : null,
            byAddress ? Address : default,
            key.HasFlag(LimitKey.Route) ? Route : null,
            key.HasFlag(LimitKey.Host) ? Host : null);
    }
}

/// <summary>Whose counts: the key of a counter, in memory and elsewhere.</summary>
/// <param name="Scope">The plan's limits that the counts belong to.</param>
/// <param name="User">Set where they are counted by user and there is one.</param>
/// <param name="Address">Set where they are counted by address; zero otherwise.</param>
/// <param name="Route">Set where they are counted by route.</param>
/// <param name="Host">Set where they are counted by host.</param>
internal readonly record struct SubjectKey(LimitScope Scope, string? User, UInt128 Address, string? Route, string? Host)
{
    /// <summary>The one that stands for all who are too many to be counted each.</summary>
    public static SubjectKey OverflowOf(LimitScope scope) => new(scope, User: null, UInt128.MaxValue, Route: null, Host: null);

    /// <summary>Whether strangers can make as many of them as they like.</summary>
    public bool IsUnbounded => User is null || Host is not null;

    public override int GetHashCode()
    {
        var hash = System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Scope);
        hash = (hash * 31) + (User?.GetHashCode(StringComparison.Ordinal) ?? 0);
        hash = (hash * 31) + Address.GetHashCode();
        hash = (hash * 31) + (Route?.GetHashCode(StringComparison.Ordinal) ?? 0);
        return (hash * 31) + (Host?.GetHashCode(StringComparison.Ordinal) ?? 0);
    }
}
