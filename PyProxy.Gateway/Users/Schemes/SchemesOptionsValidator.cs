using System.Buffers;
using System.Globalization;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Users.Schemes.Bearer;
using PyProxy.Gateway.Users.Schemes.Certificates;

namespace PyProxy.Gateway.Users.Schemes;

internal sealed class SchemesOptionsValidator : ISectionValidator<SchemesOptions>
{
    private static readonly SearchValues<char> FieldNameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"); // RFC 9110 §5.6.2

    public void Validate(SchemesOptions options, string path, ConfigurationErrors errors)
    {
        ValidateKeyPlaces(options.ApiKey.Header, options.ApiKey.Query, $"{path}:ApiKey:Header", $"{path}:ApiKey:Query", errors);
        CheckSpan(options.Bearer.CacheDuration, TimeSpan.Zero, TimeSpan.FromHours(1), $"{path}:Bearer:CacheDuration", errors);
        var issuers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, issuer) in options.Bearer.Issuers)
        {
            var issuerPath = $"{path}:Bearer:Issuers:{name}";
            ValidateIssuer(issuer, issuerPath, errors);
            if (!issuers.Add(issuer.Issuer))
            {
                errors.Add($"{issuerPath}:Issuer", $"\"{issuer.Issuer}\" is configured twice.");
            }
        }

        for (var i = 0; i < options.ClientCertificates.Count; i++)
        {
            ValidateCertificate(options.ClientCertificates[i], Item($"{path}:ClientCertificates", i), errors);
        }

        for (var i = 0; i < options.ClientAddresses.Count; i++)
        {
            var entry = options.ClientAddresses[i];
            var entryPath = Item($"{path}:ClientAddresses", i);
            if (!Cidr.TryParse(entry.Range, out _))
            {
                errors.Add($"{entryPath}:Range", $"\"{entry.Range}\" is neither an address nor a network in CIDR notation such as 10.0.0.0/8.");
            }

            CheckUser(entry.User, entryPath, errors);
        }

        foreach (var (name, policy) in options.Policies)
        {
            ValidatePolicy(name, policy, $"{path}:Policies:{name}", errors);
        }
    }

    private static void ValidateIssuer(IssuerOptions issuer, string path, ConfigurationErrors errors)
    {
        if (issuer.Issuer.Length == 0)
        {
            errors.Add($"{path}:Issuer", "is required.");
        }

        if (issuer.Audiences.Count == 0)
        {
            errors.Add($"{path}:Audiences", "is required: without an audience every token of the issuer would be accepted, also those meant for others.");
        }

        if (string.IsNullOrEmpty(issuer.JwksUrl) == string.IsNullOrEmpty(issuer.JwksFile))
        {
            errors.Add($"{path}:JwksUrl", "either JwksUrl or JwksFile is required, and not both.");
        }
        else if (issuer.JwksUrl is { Length: > 0 } url && (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")))
        {
            errors.Add($"{path}:JwksUrl", $"\"{url}\" is no http or https URL.");
        }
        else if (issuer.JwksFile is { Length: > 0 } file && !File.Exists(file))
        {
            errors.Add($"{path}:JwksFile", $"there is no file \"{file}\".");
        }

        for (var i = 0; i < issuer.Algorithms.Count; i++)
        {
            if (!SigningAlgorithms.All.Contains(issuer.Algorithms[i]))
            {
                errors.Add(Item($"{path}:Algorithms", i), $"\"{issuer.Algorithms[i]}\" is none of {string.Join(", ", SigningAlgorithms.All.Order(StringComparer.Ordinal))}.");
            }
        }

        CheckSpan(issuer.KeyRefresh, TimeSpan.FromMinutes(1), TimeSpan.FromDays(7), $"{path}:KeyRefresh", errors);
        CheckSpan(issuer.ClockSkew, TimeSpan.Zero, TimeSpan.FromMinutes(10), $"{path}:ClockSkew", errors);
        if (issuer.UserClaim.Length == 0)
        {
            errors.Add($"{path}:UserClaim", "must not be empty.");
        }
    }

    private static void ValidateCertificate(ClientCertificateOptions entry, string path, ConfigurationErrors errors)
    {
        if (new[] { entry.Thumbprint, entry.Subject, entry.San }.Count(static s => !string.IsNullOrEmpty(s)) != 1)
        {
            errors.Add(path, "one of Thumbprint, Subject and San is required, and not more.");
        }
        else if (!CertificateRule.TryCreate(entry, out _, out var mistake))
        {
            errors.Add(path, mistake);
        }

        CheckUser(entry.User, path, errors);
    }

    private static void ValidatePolicy(string name, PolicyOptions policy, string path, ConfigurationErrors errors)
    {
        if (name.Equals("default", StringComparison.OrdinalIgnoreCase) || name.Equals("anonymous", StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(path, "\"default\" and \"anonymous\" are YARP's own: every known user, and nobody needed.");
        }

        ValidateKeyPlaces(policy.ApiKeyHeader, policy.ApiKeyQuery, $"{path}:ApiKeyHeader", $"{path}:ApiKeyQuery", errors);
        foreach (var (type, values) in policy.Claims)
        {
            if (values.Count == 0)
            {
                errors.Add($"{path}:Claims:{type}", "needs at least one value.");
            }
        }
    }

    private static void ValidateKeyPlaces(string? header, string? query, string headerPath, string queryPath, ConfigurationErrors errors)
    {
        if (header is not null && (header.Length == 0 || header.AsSpan().ContainsAnyExcept(FieldNameCharacters)))
        {
            errors.Add(headerPath, $"\"{header}\" is no name of a field.");
        }

        if (query is not null && (query.Length == 0 || query.AsSpan().ContainsAnyExcept(FieldNameCharacters) || query.AsSpan().ContainsAny("&+%#")))
        {
            errors.Add(queryPath, "letters, digits, dots, hyphens and underscores only.");
        }
    }

    private static void CheckUser(string user, string path, ConfigurationErrors errors)
    {
        if (user.Length == 0)
        {
            errors.Add($"{path}:User", "is required.");
        }
    }

    private static void CheckSpan(TimeSpan value, TimeSpan least, TimeSpan most, string path, ConfigurationErrors errors)
    {
        if (value < least || value > most)
        {
            errors.Add(path, $"must lie between {least} and {most}.");
        }
    }

    private static string Item(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}:{index}");
}
