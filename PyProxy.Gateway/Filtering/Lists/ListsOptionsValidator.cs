using System.Buffers;
using System.Globalization;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Filtering.Lists;

internal sealed class ListsOptionsValidator : ISectionValidator<ListsOptions>
{
    private const int MaxNameLength = 64;
    private const long MaxBytes = 4L * 1024 * 1024 * 1024; // the arena's offsets have 32 bits
    private const int MaxEntries = 50_000_000;

    // A name becomes a file's name below the data directory, and a metric's label.
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    public void Validate(ListsOptions options, string path, ConfigurationErrors errors)
    {
        foreach (var (name, list) in options)
        {
            var at = $"{path}:{name}";
            if (name.Length > MaxNameLength || name.AsSpan().ContainsAnyExcept(NameCharacters) || name.StartsWith('.'))
            {
                errors.Add(at, "a list's name has 1 to 64 letters, digits, dashes, underscores and dots, and no dot in front.");
            }

            ValidateList(list ?? new ListOptions(), at, errors);
        }
    }

    private static void ValidateList(ListOptions list, string path, ConfigurationErrors errors)
    {
        ValidateSource(list, $"{path}:{nameof(list.Source)}", errors);
        if (list.AuthoritiesFile is { } file)
        {
            var refusal = list.Url?.Scheme == Uri.UriSchemeHttps ? ServerTrust.Refusal(file) : "has a meaning for an https source only.";
            if (refusal is not null)
            {
                errors.Add($"{path}:{nameof(list.AuthoritiesFile)}", refusal);
            }
        }

        if (list.Format is not { } format || !Enum.IsDefined(format))
        {
            errors.Add($"{path}:{nameof(list.Format)}", $"is required: {string.Join(", ", Enum.GetNames<ListFormat>())}.");
        }
        else if (list.Subdomains is not null && format is not (ListFormat.Domains or ListFormat.Hosts))
        {
            errors.Add($"{path}:{nameof(list.Subdomains)}", $"has no meaning for {format}: each entry says by itself what it covers.");
        }

        Between(list.Refresh, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30), $"{path}:{nameof(list.Refresh)}", errors);
        Between(list.Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), $"{path}:{nameof(list.Timeout)}", errors);
        Between(list.MaxBytes, 1, MaxBytes, $"{path}:{nameof(list.MaxBytes)}", errors);
        Between(list.MaxEntries, 1, MaxEntries, $"{path}:{nameof(list.MaxEntries)}", errors);
        Between(list.MinEntries, 0, Math.Max(0, list.MaxEntries), $"{path}:{nameof(list.MinEntries)}", errors);
    }

    private static void ValidateSource(ListOptions list, string path, ConfigurationErrors errors)
    {
        var source = list.Source;
        if (string.IsNullOrWhiteSpace(source))
        {
            errors.Add(path, "is required: a file, or an http or https URL.");
        }
        else if (list.Url is { } url)
        {
            if (url.UserInfo.Length > 0)
            {
                errors.Add(path, "may not have user information: it would be sent in the clear, and stand in logs.");
            }
        }
        else if (source.Contains("://", StringComparison.Ordinal))
        {
            errors.Add(path, "is neither a file nor a valid http or https URL."); // the text may hold a token, and stays out of the message
        }
    }

    private static void Between<T>(T value, T least, T most, string path, ConfigurationErrors errors)
        where T : IComparable<T>, IFormattable
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"{value} is not between {least} and {most}."));
        }
    }
}
