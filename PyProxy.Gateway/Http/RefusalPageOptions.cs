using System.ComponentModel;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Http;

/// <summary>The section <c>Gateway:RefusalPage</c>: the gateway's own answers in the operator's words.</summary>
internal sealed class RefusalPageOptions
{
    public const string SectionPath = "Gateway:RefusalPage";

    [Description("File of the template for browsers: HTML with placeholders {{status}}, {{title}}, {{reason}}, {{rule}}, {{setting}}, {{decision}}, {{host}}, "
        + "{{user}}, {{client}}, {{contact}}, {{time}}; {{decision}} is required. At most 256 KB; changes to the file are taken over while the gateway "
        + "runs. Relative paths are below the working directory. Default: a page of the gateway's own.")]
    public string? Template { get; init; }

    [Description("Whom to ask, for {{contact}} and for the gateway's own page. At most 200 characters. Default: nobody.")]
    public string? Contact { get; init; }

    [Description("What {{reason}} says, by status (\"403\": \"…\"), in place of the gateway's own English sentences, on pages and in JSON. "
        + "A rule's Message goes before it. 1 to 500 characters each. Default: none.")]
    public IReadOnlyDictionary<string, string> Messages { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

internal sealed class RefusalPageOptionsValidator : ISectionValidator<RefusalPageOptions>
{
    private const int MaxContactLength = 200;
    private const int MaxMessageLength = 500;

    public void Validate(RefusalPageOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Template is { } file && RefusalTemplate.Refusal(file) is { } refusal)
        {
            errors.Add($"{path}:Template", refusal);
        }

        if (options.Contact is { Length: > MaxContactLength })
        {
            errors.Add($"{path}:Contact", FormattableString.Invariant($"has at most {MaxContactLength} characters."));
        }

        foreach (var (status, message) in options.Messages)
        {
            if (status.Length != 3 || status[0] is not ('4' or '5') || !char.IsAsciiDigit(status[1]) || !char.IsAsciiDigit(status[2]))
            {
                errors.Add($"{path}:Messages:{status}", "is no status of a refusal: 400 to 599.");
            }

            if (message is null or { Length: 0 or > MaxMessageLength })
            {
                errors.Add($"{path}:Messages:{status}", FormattableString.Invariant($"has 1 to {MaxMessageLength} characters."));
            }
        }
    }
}
