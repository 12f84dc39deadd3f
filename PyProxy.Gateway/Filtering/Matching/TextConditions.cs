using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Filtering.Matching;

internal sealed class PathCondition(string path, TextPatterns patterns) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts) => facts.HasPath ? patterns.Evaluate(facts.Path.Span) : Outcome.Unknown;

    public override string Asked(in Facts facts) => facts.HasPath ? facts.Path.ToString() : "not known of a tunnel";
}

internal sealed class QueryCondition(string path, TextPatterns patterns) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts) => facts.HasPath ? patterns.Evaluate(facts.Query.Span) : Outcome.Unknown;

    public override string Asked(in Facts facts) => facts.HasPath ? facts.Query.ToString() : "not known of a tunnel";
}

/// <summary>A field of a head is there, is not there, or has a line that fits.</summary>
/// <param name="path">Where it stands.</param>
/// <param name="name">The field's name.</param>
/// <param name="present">Whether it must be there.</param>
/// <param name="patterns">What one of its lines must fit; <see langword="null"/> where any will do.</param>
/// <param name="ofResponse">Whether the response's head is meant.</param>
internal sealed class FieldCondition(string path, string name, bool present, TextPatterns? patterns, bool ofResponse) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        if ((ofResponse ? facts.ResponseHeaders : facts.Headers) is not { } fields)
        {
            return Outcome.Unknown;
        }

        var isThere = fields.TryGetValue(name, out var lines) && lines.Count > 0;
        if (!present || patterns is null || !isThere)
        {
            return isThere == present ? Outcome.Yes : Outcome.No;
        }

        return Evaluate(lines, patterns);
    }

    // A value of a field may hold a secret; whoever asks why is told whether the field is there.
    public override string Asked(in Facts facts) => (ofResponse ? facts.ResponseHeaders : facts.Headers) switch
    {
        null => "not known here",
        { } fields => fields.ContainsKey(name) ? $"{name} is there" : $"{name} is not there",
    };

    private static Outcome Evaluate(StringValues lines, TextPatterns patterns)
    {
        var result = Outcome.No;
        for (var i = 0; i < lines.Count; i++)
        {
            var outcome = patterns.Evaluate(FieldText.Of(lines[i]));
            if (outcome == Outcome.Yes)
            {
                return Outcome.Yes;
            }

            result = outcome > result ? outcome : result;
        }

        return result;
    }
}

/// <summary>A declared size lies between two bounds.</summary>
internal sealed class SizeCondition(string path, long min, long max, bool ofResponse) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts) => (ofResponse ? facts.ResponseSize : facts.BodySize) switch
    {
        null => Outcome.Unknown,
        { } size => size >= min && size <= max ? Outcome.Yes : Outcome.No,
    };

    public override string Asked(in Facts facts) => (ofResponse ? facts.ResponseSize : facts.BodySize) switch
    {
        null => "no declared size",
        { } size => FormattableString.Invariant($"{size} bytes"),
    };
}

/// <summary>The response's status lies in one of several ranges.</summary>
internal sealed class StatusCondition(string path, PortRange[] ranges) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        if (facts.Status == 0)
        {
            return Outcome.Unknown;
        }

        foreach (var range in ranges)
        {
            if (facts.Status >= range.First && facts.Status <= range.Last)
            {
                return Outcome.Yes;
            }
        }

        return Outcome.No;
    }

    public override string Asked(in Facts facts) => FormattableString.Invariant($"{facts.Status}");
}

/// <summary>The response's media type is one of several.</summary>
/// <param name="path">Where it stands.</param>
/// <param name="types">In lower case; one that ends with a slash stands for every type of that kind.</param>
internal sealed class ContentTypeCondition(string path, string[] types) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        if (facts.ResponseHeaders is not { } headers)
        {
            return Outcome.Unknown;
        }

        var value = headers.ContentType.Count == 0 ? [] : headers.ContentType[0].AsSpan();
        var semicolon = value.IndexOf(';');
        value = (semicolon < 0 ? value : value[..semicolon]).Trim();
        foreach (var type in types)
        {
            if (type.EndsWith('/') ? value.StartsWith(type, StringComparison.OrdinalIgnoreCase) : value.Equals(type, StringComparison.OrdinalIgnoreCase))
            {
                return Outcome.Yes;
            }
        }

        return Outcome.No;
    }

    public override string Asked(in Facts facts) => facts.ResponseHeaders?.ContentType.ToString() ?? "not known here";
}

/// <summary>It is one of certain days, between two times of a time zone.</summary>
/// <param name="path">Where it stands.</param>
/// <param name="days">A bit for each <see cref="DayOfWeek"/>.</param>
/// <param name="from">Since midnight.</param>
/// <param name="to">Since midnight; not after <paramref name="from"/> where it means the day after.</param>
/// <param name="zone">The time zone.</param>
internal sealed class TimeCondition(string path, int days, TimeSpan from, TimeSpan to, TimeZoneInfo zone) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        var now = TimeZoneInfo.ConvertTime(facts.Now, zone);
        var time = now.TimeOfDay;
        if (from < to)
        {
            return time >= from && time < to && HasDay(now.DayOfWeek) ? Outcome.Yes : Outcome.No;
        }

        // Over midnight: what lies after it belongs to the day on which it began.
        var matches = time >= from ? HasDay(now.DayOfWeek) : time < to && HasDay((DayOfWeek)(((int)now.DayOfWeek + 6) % 7));
        return matches ? Outcome.Yes : Outcome.No;
    }

    public override string Asked(in Facts facts)
    {
        var now = TimeZoneInfo.ConvertTime(facts.Now, zone);
        return FormattableString.Invariant($"{now:ddd HH:mm} in {zone.Id}");
    }

    private bool HasDay(DayOfWeek day) => (days & (1 << (int)day)) != 0;
}
