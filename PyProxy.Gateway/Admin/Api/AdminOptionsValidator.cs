using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Admin.Api;

internal sealed class AdminOptionsValidator : ISectionValidator<AdminOptions>
{
    public void Validate(AdminOptions options, string path, ConfigurationErrors errors)
    {
        foreach (var (name, token) in options.Tokens)
        {
            var at = $"{path}:{nameof(AdminOptions.Tokens)}:{name}";
            if (!AdminToken.TryParseHash(token.Hash, out _))
            {
                // Without the text: it may be the token itself.
                errors.Add($"{at}:{nameof(AdminTokenOptions.Hash)}", "is not \"sha256:\" and 64 hexadecimal digits; `PyProxy.Gateway admin-token` makes a token and its hash");
            }
        }

        for (var i = 0; i < options.Hosts.Count; i++)
        {
            if (Uri.CheckHostName(options.Hosts[i]) == UriHostNameType.Unknown)
            {
                errors.Add(
                    string.Create(CultureInfo.InvariantCulture, $"{path}:{nameof(AdminOptions.Hosts)}:{i}"),
                    $"\"{options.Hosts[i]}\" is no host name (without port)");
            }
        }

        if (options.AuditLog.Contains('\0', StringComparison.Ordinal) || System.IO.Path.EndsInDirectorySeparator(options.AuditLog))
        {
            errors.Add($"{path}:{nameof(AdminOptions.AuditLog)}", "is not the name of a file");
        }
    }
}
