using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace PyProxy.Gateway.Http;

/// <summary>
/// Fields that a <c>Connection</c> field nominates as meant for one hop (RFC 9110 §7.6.1). YARP already leaves out the ones with fixed names
/// (<c>Connection</c>, <c>Keep-Alive</c>, <c>Proxy-Connection</c>, <c>TE</c>, <c>Transfer-Encoding</c>, <c>Upgrade</c>,
/// <c>HTTP2-Settings</c>, <c>Proxy-Authorization</c>, …) and puts back what an accepted upgrade needs.
/// </summary>
internal static class HopByHop
{
    /// <summary>
    /// What a nomination does not remove: fields that delimit or route this very message, those that keep a message from going round in circles
    /// for ever, and those that the gateway itself still reads and YARP then leaves out.
    /// </summary>
    private static readonly FrozenSet<string> NotByNomination = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        HeaderNames.Connection,
        HeaderNames.Host,
        HeaderNames.ContentLength,
        HeaderNames.TransferEncoding,
        HeaderNames.Upgrade,
        HeaderNames.Via,
        HeaderNames.MaxForwards,
        HeaderNames.ProxyAuthorization,
        HeaderNames.TE,
        HeaderNames.KeepAlive,
        "HTTP2-Settings",
        "close"); // not a field; Keep-Alive is both a field, which YARP leaves out in any case, and an option

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> NotByNominationSpans =
        NotByNomination.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a line of <c>Connection</c> nominates a field that <see cref="RemoveNominated(IHeaderDictionary)"/> removes.</summary>
    public static bool Nominates(ReadOnlySpan<char> connection)
    {
        foreach (var range in connection.Split(','))
        {
            if (IsNomination(connection[range].Trim(" \t")))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Removes the fields from a request as received, before policies, routing and transforms: all of them see what the origin will see, and a
    /// client cannot nominate away a field that a transform adds later.
    /// </summary>
    public static void RemoveNominated(IHeaderDictionary headers)
    {
        var connection = headers.Connection;
        for (var i = 0; i < connection.Count; i++)
        {
            foreach (var range in connection[i].AsSpan().Split(','))
            {
                if (TryGetNominated(connection[i].AsSpan(range), out var name))
                {
                    headers.Remove(name);
                }
            }
        }
    }

    /// <summary>Removes the fields from a response of an origin.</summary>
    public static void RemoveNominated(HttpResponseMessage response)
    {
        if (!response.Headers.NonValidated.TryGetValues(HeaderNames.Connection, out var connection))
        {
            return;
        }

        foreach (var value in connection)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (TryGetNominated(value.AsSpan(range), out var name))
                {
                    Remove(response.Headers, name);
                    Remove(response.Content.Headers, name);
                }
            }
        }
    }

    private static void Remove(HttpHeaders headers, string name)
    {
        // Remove alone throws for a name that belongs to the other collection, and for what is no field name at all.
        if (headers.NonValidated.Contains(name))
        {
            headers.Remove(name);
        }
    }

    private static bool TryGetNominated(ReadOnlySpan<char> option, out string name)
    {
        option = option.Trim(" \t");
        var nominates = IsNomination(option);
        name = nominates ? option.ToString() : string.Empty;
        return nominates;
    }

    private static bool IsNomination(ReadOnlySpan<char> option) => !option.IsEmpty && !NotByNominationSpans.Contains(option);
}
