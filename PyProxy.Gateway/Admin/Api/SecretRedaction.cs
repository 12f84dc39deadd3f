using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// Takes secrets out of what leaves the admin API and of the audit log: by the names of settings, and by what values look like. Rather too
/// much than too little; whoever needs the value has the file.
/// </summary>
internal static partial class SecretRedaction
{
    public const string Mask = "***";

    private static readonly string[] SecretNames =
        ["password", "passwd", "pwd", "secret", "token", "hash", "credential", "connectionstring", "apikey", "privatekey", "signingkey", "pepper", "salt"];

    // Names that end or begin like a secret's and are none.
    private static readonly string[] HarmlessEnds = ["path", "file", "endpoint", "lifetime", "timeout", "algorithm", "role", "name", "policy", "mode", "url", "uri"];

    // Fields that are set, by a YARP transform, a profile or a rule, and that carry who asks.
    private static readonly string[] SecretFields = ["authorization", "cookie", "token", "secret", "key", "password", "signature"];

    /// <summary>A configuration section as nested JSON, its secrets masked.</summary>
    public static JsonNode? Section(IConfigurationSection section) => Node(section, parent: null, siblingField: null);

    /// <summary>What any value becomes in JSON, its secrets masked.</summary>
    public static JsonNode? Redact(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToList())
                {
                    members[name] = IsSecretName(name) && value is JsonValue or JsonArray ? Mask : Redact(value?.DeepClone());
                }

                return members;
            case JsonArray elements:
                return new JsonArray([.. elements.Select(element => Redact(element?.DeepClone()))]);
            case JsonValue value when value.TryGetValue<string>(out var text):
                return Text(text);
            default:
                return node;
        }
    }

    /// <summary>A text without the secrets that URLs, connection strings and credentials carry.</summary>
    public static string Text(string text)
    {
        if (Credentials.IsMatch(text))
        {
            return Mask;
        }

        var masked = UserInformation.Replace(text, $"${{scheme}}{Mask}@");
        masked = Query.Replace(masked, $"${{url}}?{Mask}");
        return Pair.Replace(masked, $"${{name}}{Mask}");
    }

    public static bool IsSecretName(ReadOnlySpan<char> name)
    {
        foreach (var end in HarmlessEnds)
        {
            if (name.EndsWith(end, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return name.Equals("key", StringComparison.OrdinalIgnoreCase) || name.Equals("keys", StringComparison.OrdinalIgnoreCase) || ContainsAny(name, SecretNames);
    }

    private static JsonNode? Node(IConfigurationSection section, string? parent, string? siblingField)
    {
        var children = section.GetChildren().ToList();
        if (children.Count == 0)
        {
            return section.Value is null ? null : JsonValue.Create(Value(section, parent, siblingField));
        }

        if (children.TrueForAll(static child => int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            return new JsonArray([.. children.Select(child => Node(child, section.Key, siblingField: null))]);
        }

        var field = children.Find(static child => child.Key is "RequestHeader" or "ResponseHeader" or "ResponseTrailer" or "Field")?.Value;
        var members = new JsonObject();
        foreach (var child in children)
        {
            members[child.Key] = Node(child, section.Key, field);
        }

        return members;
    }

    private static string Value(IConfigurationSection section, string? parent, string? siblingField)
    {
        // "Tokens": { "ops": "…" } and "Keys": [ "…" ] hold secrets under names of the operator's.
        var secret = IsSecretName(section.Key)
            || (parent is not null && IsSecretName(parent))
            || (parent == "Set" && ContainsAny(section.Key, SecretFields))
            || (siblingField is not null && ContainsAny(siblingField, SecretFields) && section.Key is "Set" or "Append" or "Value");
        return secret && section.Value!.Length > 0 ? Mask : Text(section.Value!);
    }

    private static bool ContainsAny(ReadOnlySpan<char> text, string[] words)
    {
        foreach (var word in words)
        {
            if (text.Contains(word, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    [GeneratedRegex(@"^\s*(Bearer|Basic|Digest)\s+\S", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Credentials { get; }

    [GeneratedRegex(@"(?<scheme>[a-z][a-z0-9+.-]*://)[^/@\s]*@", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex UserInformation { get; }

    [GeneratedRegex(@"(?<url>https?://[^?\s]*)\?\S+", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Query { get; }

    [GeneratedRegex(
        @"\b(?<name>(password|pwd|secret|token|api[-_ ]?key|client[-_]?secret)\s*=\s*)[^;,&\s]+",
        RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Pair { get; }
}
