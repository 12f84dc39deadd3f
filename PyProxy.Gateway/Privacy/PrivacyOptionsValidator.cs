using System.Globalization;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Privacy;

internal sealed class PrivacyOptionsValidator : ISectionValidator<PrivacyOptions>
{
    private const int MaxUserAgentLength = 500;
    private const int MaxValueLength = 4096;

    public void Validate(PrivacyOptions options, string path, ConfigurationErrors errors)
    {
        Profile(options, path, errors);
        foreach (var (name, profile) in options.Profiles)
        {
            Profile(profile ?? new PrivacyProfileOptions(), $"{path}:{nameof(options.Profiles)}:{name}", errors);
        }

        References(options, options.Endpoints, $"{path}:{nameof(options.Endpoints)}", errors);
        References(options, options.Groups, $"{path}:{nameof(options.Groups)}", errors);
        References(options, options.Users, $"{path}:{nameof(options.Users)}", errors);
    }

    private static void Profile(PrivacyProfileOptions profile, string path, ConfigurationErrors errors)
    {
        if (!Enum.IsDefined(profile.Mode))
        {
            errors.Add($"{path}:{nameof(profile.Mode)}", "must be Anonymous, Transparent or Strict.");
        }

        if (!Enum.IsDefined(profile.UserAgent))
        {
            errors.Add($"{path}:{nameof(profile.UserAgent)}", "must be Keep, Remove, Fixed or Generalise.");
        }

        var value = $"{path}:{nameof(profile.UserAgentValue)}";
        if (profile.UserAgentValue is null == (profile.UserAgent == UserAgentPolicy.Fixed))
        {
            errors.Add(value, "belongs to UserAgent Fixed, which needs it.");
        }
        else if (profile.UserAgentValue is { } text && (text.Length is 0 or > MaxUserAgentLength || !FieldNames.IsValue(text)))
        {
            errors.Add(value, "has 1 to 500 characters of ASCII.");
        }

        Names(profile.AllowedFields ?? [], $"{path}:{nameof(profile.AllowedFields)}", FieldNames.IsToken, "is no field name.", errors);
        Names(
            profile.StripParameters, $"{path}:{nameof(profile.StripParameters)}",
            static name => name.TrimEnd('*').Length > 0 && name.IndexOf('*') is var star && (star < 0 || star == name.Length - 1),
            "is neither a parameter's name nor the beginning of one with a * behind it.", errors);
        Fields(profile.RequestFields, $"{path}:{nameof(profile.RequestFields)}", errors);
        Fields(profile.ResponseFields, $"{path}:{nameof(profile.ResponseFields)}", errors);
    }

    private static void Fields(FieldRulesOptions fields, string path, ConfigurationErrors errors)
    {
        const string NotOurs = "is no field name, or a field that the gateway itself has to be right about.";
        Names(fields.Remove, $"{path}:{nameof(fields.Remove)}", static name => FieldNames.MayBeChanged(name.ToString()), NotOurs, errors);
        foreach (var (name, value) in fields.Set)
        {
            if (!FieldNames.MayBeChanged(name))
            {
                errors.Add($"{path}:{nameof(fields.Set)}:{name}", NotOurs);
            }

            if (value is null || value.Length > MaxValueLength || !FieldNames.IsValue(value))
            {
                errors.Add($"{path}:{nameof(fields.Set)}:{name}", "has a value of at most 4096 characters of ASCII.");
            }
        }
    }

    private static void Names(
        IReadOnlyList<string> names, string path, Func<ReadOnlySpan<char>, bool> isGood, string otherwise, ConfigurationErrors errors)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (!isGood(names[i]))
            {
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{path}:{i}"), $"\"{names[i]}\" {otherwise}");
            }
        }
    }

    private static void References(PrivacyOptions options, Dictionary<string, string> references, string path, ConfigurationErrors errors)
    {
        foreach (var (name, profile) in references)
        {
            if (profile is null || !options.Profiles.ContainsKey(profile))
            {
                errors.Add($"{path}:{name}", $"there is no profile \"{profile}\" in {PrivacyOptions.SectionPath}:{nameof(options.Profiles)}.");
            }
        }
    }
}
