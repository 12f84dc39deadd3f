using System.Buffers;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>Makes a rule's action of its options. What belongs to another action is an error: it would have no effect.</summary>
internal sealed class ActionCompiler(ConfigurationErrors errors)
{
    private const int MaxMessageLength = 500;
    private const int MaxValueLength = 4096;
    private const int MaxTagLength = 64;

    private static readonly SearchValues<char> TagCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:");

    public static bool IsTag(string text) => text.Length is > 0 and <= MaxTagLength && !text.AsSpan().ContainsAnyExcept(TagCharacters);

    public RuleAction Compile(RuleOptions rule, string path)
    {
        if (rule.Action is not { } kind || !Enum.IsDefined(kind))
        {
            errors.Add($"{path}:Action", "is required: " + string.Join(", ", Enum.GetNames<FilterAction>()) + ".");
            return new RuleAction(FilterAction.Deny);
        }

        var action = Common(rule, kind, path);
        Only(rule.Location, kind == FilterAction.Redirect, $"{path}:Location");
        Only(rule.Status, kind == FilterAction.Redirect, $"{path}:Status");
        Only(rule.To, kind == FilterAction.Rewrite, $"{path}:To");
        Only(rule.EgressProfile, kind == FilterAction.EgressProfile, $"{path}:EgressProfile");
        Only(rule.PrivacyProfile, kind == FilterAction.PrivacyProfile, $"{path}:PrivacyProfile");
        Only(rule.Plan, kind == FilterAction.Plan, $"{path}:Plan");
        Only(rule.Tag, kind == FilterAction.Tag, $"{path}:Tag");
        return kind switch
        {
            FilterAction.Redirect => Redirect(rule, action, path),
            FilterAction.Rewrite => Rewrite(rule.To, action, $"{path}:To"),
            FilterAction.EgressProfile => action with { Name = Required(rule.EgressProfile, $"{path}:EgressProfile") },
            FilterAction.PrivacyProfile => action with { Name = Required(rule.PrivacyProfile, $"{path}:PrivacyProfile") },
            FilterAction.Plan => action with { Name = Required(rule.Plan, $"{path}:Plan") },
            FilterAction.Tag => action with { Name = Tag(rule.Tag, $"{path}:Tag") },
            _ => action,
        };
    }

    public RuleAction Compile(ResponseRuleOptions rule, string path)
    {
        if (rule.Action is not { } action || !Enum.IsDefined(action))
        {
            errors.Add($"{path}:Action", "is required: " + string.Join(", ", Enum.GetNames<ResponseAction>()) + ".");
            return new RuleAction(FilterAction.Deny);
        }

        return Common(rule, action switch
        {
            ResponseAction.Allow => FilterAction.Allow,
            ResponseAction.SetField => FilterAction.SetField,
            ResponseAction.RemoveField => FilterAction.RemoveField,
            ResponseAction.Filter => FilterAction.Filter,
            _ => FilterAction.Deny,
        }, path);
    }

    private RuleAction Common(RuleBaseOptions rule, FilterAction kind, string path)
    {
        var refuses = kind is FilterAction.Deny;
        Only(rule.Message, refuses, $"{path}:Message");
        Only(rule.Page, refuses, $"{path}:Page");
        Only(rule.Field, kind is FilterAction.SetField or FilterAction.RemoveField, $"{path}:Field");
        Only(rule.Value, kind == FilterAction.SetField, $"{path}:Value");
        Only(rule.Filter, kind == FilterAction.Filter, $"{path}:Filter");
        if (rule.Message is { Length: 0 or > MaxMessageLength })
        {
            errors.Add($"{path}:Message", FormattableString.Invariant($"has 1 to {MaxMessageLength} characters."));
        }

        if (refuses && rule.Page is { } page && RefusalTemplate.Refusal(page) is { } refusal)
        {
            errors.Add($"{path}:Page", refusal);
        }

        return kind switch
        {
            FilterAction.Deny or FilterAction.Close or FilterAction.Redirect or FilterAction.Filter => new RuleAction(kind)
            {
                Refusal = Refusal(rule, path),
                Name = kind == FilterAction.Filter ? Required(rule.Filter, $"{path}:Filter") : "",
            },
            FilterAction.SetField => new RuleAction(kind)
            {
                Field = Field(rule.Field, $"{path}:Field"),
                Value = Value(rule.Value, $"{path}:Value"),
            },
            FilterAction.RemoveField => new RuleAction(kind) { Field = Field(rule.Field, $"{path}:Field") },
            _ => new RuleAction(kind),
        };
    }

    private static ProxyError Refusal(RuleBaseOptions rule, string path)
        => ProxyErrors.NotAllowed(rule.Message ?? $"The rule \"{rule.Name}\" does not allow this.", rule.Name, path) with
        {
            Page = rule.Page,
            IsOperatorsText = rule.Message is not null,
        };

    private RuleAction Redirect(RuleOptions rule, RuleAction action, string path)
    {
        var location = Required(rule.Location, $"{path}:Location");
        if (location.Length > 0 && (location.AsSpan().ContainsAnyExceptInRange('!', '~')
            || !(location.StartsWith('/') || (Uri.TryCreate(location, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))))
        {
            errors.Add($"{path}:Location", $"\"{location}\" is neither an http or https URL nor a path, in the characters that a URL has.");
        }

        var status = rule.Status ?? StatusCodes.Status302Found;
        if (status is not (301 or 302 or 303 or 307 or 308))
        {
            errors.Add($"{path}:Status", "must be 301, 302, 303, 307 or 308.");
        }

        return action with { Location = location, Status = status };
    }

    private RuleAction Rewrite(RewriteOptions? to, RuleAction action, string path)
    {
        if (to is null or { Host: null, Port: null, Path: null })
        {
            errors.Add(path, "is required: Host, Port, Path or several of them.");
            return action;
        }

        string? host = null;
        if (to.Host is not null && !HostPort.TryCanonicalizeHost(to.Host, out host))
        {
            errors.Add($"{path}:Host", $"\"{to.Host}\" is neither a host name nor an address.");
        }

        if (to.Port is < 1 or > 65535)
        {
            errors.Add($"{path}:Port", "must be 1 to 65535.");
        }

        if (to.Path is { } target && (!target.StartsWith('/') || target.AsSpan().ContainsAnyExceptInRange('!', '~') || target.Contains('#', StringComparison.Ordinal)))
        {
            errors.Add($"{path}:Path", "begins with a slash and has the characters of a URL, percent-encoded, without a fragment.");
        }

        return action with { Host = host, Port = to.Port, Path = to.Path };
    }

    private string Field(string? name, string path)
    {
        if (name is null || !FieldNames.MayBeChanged(name))
        {
            errors.Add(path, name is null ? "is required." : $"\"{name}\" is no field name, or a field that the gateway itself has to be right about.");
        }

        return name ?? "";
    }

    private string Value(string? value, string path)
    {
        if (value is null || value.Length > MaxValueLength || !FieldNames.IsValue(value))
        {
            errors.Add(path, FormattableString.Invariant($"is required and has at most {MaxValueLength} ASCII characters, no control characters, no space at its ends."));
        }

        return value ?? "";
    }

    private string Tag(string? tag, string path)
    {
        if (tag is null || !IsTag(tag))
        {
            errors.Add(path, "is required and has 1 to 64 letters, digits, '-', '_', '.' or ':'.");
        }

        return tag ?? "";
    }

    private string Required(string? value, string path)
    {
        if (string.IsNullOrEmpty(value))
        {
            errors.Add(path, "is required for this action.");
        }

        return value ?? "";
    }

    private void Only(object? value, bool belongs, string path)
    {
        if (value is not null && !belongs)
        {
            errors.Add(path, "has no meaning for this rule's Action.");
        }
    }
}
