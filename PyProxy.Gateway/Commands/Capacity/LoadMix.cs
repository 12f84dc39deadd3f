using System.Globalization;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>How the users are shared among the kinds: <c>plain=70,tunnel=20,reverse=10</c>.</summary>
internal sealed class LoadMix
{
    private readonly (LoadKind Kind, double Share)[] _shares;

    private LoadMix((LoadKind Kind, double Share)[] shares) => _shares = shares;

    public IEnumerable<LoadKind> Kinds => _shares.Select(static share => share.Kind);

    /// <summary>Shares are relative to their sum.</summary>
    /// <exception cref="FormatException">It is no mix; the message says why.</exception>
    public static LoadMix Parse(string text)
    {
        var shares = new Dictionary<LoadKind, double>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? part : part[..equals].TrimEnd();
            if (!Enum.TryParse<LoadKind>(name, ignoreCase: true, out var kind) || !char.IsAsciiLetter(name[0]))
            {
                throw new FormatException($"--mix: \"{name}\" is not one of plain, tunnel, socks, reverse.");
            }

            var share = 1.0;
            if (equals >= 0 && (!double.TryParse(part[(equals + 1)..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out share) || share <= 0))
            {
                throw new FormatException($"--mix: the share of {name} must be a number above 0.");
            }

            if (!shares.TryAdd(kind, share))
            {
                throw new FormatException($"--mix: {name} is there twice.");
            }
        }

        return shares.Count > 0
            ? new LoadMix([.. shares.Select(static share => (share.Key, share.Value))])
            : throw new FormatException("--mix: name at least one of plain, tunnel, socks, reverse.");
    }

    /// <summary>The kind of the next user, so that at any number of users the shares are as near as whole users come.</summary>
    /// <param name="present">Users that are there, by kind.</param>
    public LoadKind Next(IReadOnlyDictionary<LoadKind, int> present)
    {
        var next = _shares[0].Kind;
        var least = double.MaxValue;
        foreach (var (kind, share) in _shares)
        {
            var served = (present.GetValueOrDefault(kind) + 0.5) / share; // Sainte-Laguë: favours neither small nor large shares
            if (served < least)
            {
                (next, least) = (kind, served);
            }
        }

        return next;
    }

    public override string ToString()
        => string.Join(',', _shares.Select(static share => string.Create(CultureInfo.InvariantCulture, $"{share.Kind}={share.Share}").ToLowerInvariant()));
}
