using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>
/// Makes a condition of a rule's <c>Match</c>. Validation is the same act with the result thrown away, so that what was found good cannot
/// mean something else, or nothing, when it is in force.
/// </summary>
/// <param name="errors">Receives what cannot be compiled.</param>
/// <param name="lists">Where lists are looked up.</param>
internal sealed class ConditionCompiler(ConfigurationErrors errors, ListRegistry lists)
{
    private const int MaxDepth = 16;
    private const int MaxExpressionLength = 4096;

    /// <summary>Compiles everything that an object asks for; an object that asks for nothing holds always.</summary>
    public Condition Compile(MatchOptions match, string path) => Compile(match, path, depth: 1);

    /// <summary>The names of lists that a match asks for, with the paths where they stand.</summary>
    public static IEnumerable<(string Path, string Name)> ListNames(MatchOptions match, string path)
    {
        var own = Names(match.ClientLists, $"{path}:ClientLists")
            .Concat(Names(match.HostLists, $"{path}:HostLists"))
            .Concat(Names(match.AddressLists, $"{path}:AddressLists"));
        var below = match.All.SelectMany((part, i) => ListNames(part, At(path, "All", i)))
            .Concat(match.Any.SelectMany((part, i) => ListNames(part, At(path, "Any", i))));
        return own.Concat(below).Concat(match.Not is null ? [] : ListNames(match.Not, $"{path}:Not"));

        static IEnumerable<(string, string)> Names(IReadOnlyList<string> names, string path) => names.Select((name, i) => (At(path, i), name));
    }

    private Condition Compile(MatchOptions match, string path, int depth)
    {
        if (depth > MaxDepth)
        {
            errors.Add(path, FormattableString.Invariant($"is more than {MaxDepth} levels deep."));
            return new AllCondition(path, []);
        }

        // Cheap ones first: they are asked in this order, and the first that does not hold spares the rest.
        List<Condition> parts = [];
        Identity(match, path, parts);
        Target(match, path, parts);
        Message(match, path, parts);
        for (var i = 0; i < match.All.Count; i++)
        {
            parts.Add(Compile(match.All[i], At(path, "All", i), depth + 1));
        }

        if (match.Any.Count > 0)
        {
            parts.Add(new AnyCondition($"{path}:Any", [.. match.Any.Select((part, i) => Compile(part, At(path, "Any", i), depth + 1))]));
        }

        if (match.Not is not null)
        {
            parts.Add(new NotCondition($"{path}:Not", Compile(match.Not, $"{path}:Not", depth + 1)));
        }

        if (parts.Count == 0 && depth > 1)
        {
            errors.Add(path, "asks for nothing.");
        }

        return parts.Count == 1 ? parts[0] : new AllCondition(path, [.. parts]);
    }

    private void Identity(MatchOptions match, string path, List<Condition> parts)
    {
        Add(match.WaysIn, $"{path}:WaysIn", parts, static (p, ways) => new WayInCondition(p, ways), IsWayIn, "is none of Reverse, Forward, Connect, Socks.");
        AddWords(match.Endpoints, $"{path}:Endpoints", parts, static (p, words) => new EndpointCondition(p, words));
        AddWords(match.Methods, $"{path}:Methods", parts, static (p, words) => new MethodCondition(p, words));
        Add(match.Schemes, $"{path}:Schemes", parts, static (p, words) => new SchemeCondition(p, words), IsScheme, "is neither http nor https.");
        AddWords(match.Users, $"{path}:Users", parts, static (p, words) => new UserCondition(p, words));
        AddWords(match.Groups, $"{path}:Groups", parts, static (p, words) => new GroupCondition(p, words));
        AddWords(match.Plans, $"{path}:Plans", parts, static (p, words) => new PlanCondition(p, words));
        AddParsed<IPNetwork>(match.ClientAddresses, $"{path}:ClientAddresses", parts, static (p, ranges) => new ClientCondition(p, ranges),
            ClientRange.TryParse, "is neither an address nor a CIDR range.");
        AddLists(match.ClientLists, $"{path}:ClientLists", parts, static (p, slots) => new ClientListCondition(p, slots));
        if (match.Time is { } time)
        {
            new TimeCompiler(errors).Compile(time, $"{path}:Time", parts);
        }

        static bool IsWayIn(WayIn way) => Enum.IsDefined(way) && way != WayIn.Admin;
        static bool IsScheme(string scheme) => scheme.ToLowerInvariant() is "http" or "https";
    }

    private void Target(MatchOptions match, string path, List<Condition> parts)
    {
        AddParsed<HostPattern>(match.Hosts, $"{path}:Hosts", parts, static (p, patterns) => new HostCondition(p, patterns),
            HostPattern.TryParse, "is neither a host name, nor an address, nor *. and a host name.");
        AddParsed<PortRange>(match.Ports, $"{path}:Ports", parts, static (p, ranges) => new PortCondition(p, ranges),
            static (string text, out PortRange range) => TryParseRange(text, 1, 65535, out range), "is neither a port (443) nor a range (8000-8999).");
        AddLists(match.HostLists, $"{path}:HostLists", parts, static (p, slots) => new HostListCondition(p, slots));
        if (match.HostRegex.Count > 0)
        {
            parts.Add(new HostRegexCondition($"{path}:HostRegex", Expressions(match.HostRegex, $"{path}:HostRegex")));
        }

        AddParsed<IPNetwork>(match.Addresses, $"{path}:Addresses", parts, static (p, ranges) => new AddressCondition(p, ranges),
            ClientRange.TryParse, "is neither an address nor a CIDR range.");
        AddLists(match.AddressLists, $"{path}:AddressLists", parts, static (p, slots) => new AddressListCondition(p, slots));
    }

    private void Message(MatchOptions match, string path, List<Condition> parts)
    {
        AddSize(match.BodySize, $"{path}:BodySize", parts, ofResponse: false);
        if (match.Path is { } text)
        {
            parts.Add(new PathCondition($"{path}:Path", Patterns(text, $"{path}:Path", required: true)!));
        }

        if (match.Query is { } query)
        {
            parts.Add(new QueryCondition($"{path}:Query", Patterns(query, $"{path}:Query", required: true)!));
        }

        AddFields(match.Headers, $"{path}:Headers", parts, ofResponse: false);
        if (match.Response is not { } response)
        {
            return;
        }

        AddParsed<PortRange>(response.Statuses, $"{path}:Response:Statuses", parts, static (p, ranges) => new StatusCondition(p, ranges),
            static (string text, out PortRange range) => TryParseRange(text, 100, 599, out range), "is neither a status (404) nor a range (500-599).");
        AddParsed<string>(response.ContentTypes, $"{path}:Response:ContentTypes", parts, static (p, types) => new ContentTypeCondition(p, types),
            TryParseMediaType, "is neither a media type (text/html) nor a kind of them (image/*).");
        AddSize(response.Size, $"{path}:Response:Size", parts, ofResponse: true);
        AddFields(response.Headers, $"{path}:Response:Headers", parts, ofResponse: true);
    }

    private void AddFields(IReadOnlyList<FieldOptions> fields, string path, List<Condition> parts, bool ofResponse)
    {
        for (var i = 0; i < fields.Count; i++)
        {
            var field = fields[i];
            var at = At(path, i);
            if (!FieldNames.IsToken(field.Name))
            {
                errors.Add($"{at}:Name", "is required and has the characters of a field name.");
            }

            var patterns = Patterns(field, at, required: false);
            if (patterns is not null && !field.Present)
            {
                errors.Add($"{at}:Present", "a field that must not be there has no value; to say that no value fits, put the field under Not.");
            }

            parts.Add(new FieldCondition(at, field.Name, field.Present, patterns, ofResponse));
        }
    }

    private void AddSize(SizeOptions? size, string path, List<Condition> parts, bool ofResponse)
    {
        if (size is null)
        {
            return;
        }

        if (size is { Min: null, Max: null } or { Min: < 0 } or { Max: < 0 } || size.Min > size.Max)
        {
            errors.Add(path, "needs Min, Max or both, from 0 bytes, and Min not above Max.");
        }

        parts.Add(new SizeCondition(path, size.Min ?? 0, size.Max ?? long.MaxValue, ofResponse));
    }

    private TextPatterns? Patterns(TextOptions text, string path, bool required)
    {
        if (text.Exact.Count + text.Prefix.Count + text.Glob.Count + text.Regex.Count == 0)
        {
            if (required)
            {
                errors.Add(path, "needs one of Exact, Prefix, Glob and Regex.");
            }

            return required ? new TextPatterns([], [], []) : null;
        }

        return new TextPatterns(
            [.. text.Exact],
            [.. text.Prefix],
            [.. Expressions([.. text.Glob.Select(TextPatterns.FromGlob)], $"{path}:Glob"), .. Expressions(text.Regex, $"{path}:Regex")]);
    }

    private Regex[] Expressions(IReadOnlyList<string> texts, string path)
    {
        List<Regex> expressions = [];
        for (var i = 0; i < texts.Count; i++)
        {
            if (texts[i].Length is 0 or > MaxExpressionLength)
            {
                errors.Add(At(path, i), FormattableString.Invariant($"has 1 to {MaxExpressionLength} characters."));
                continue;
            }

            try
            {
                expressions.Add(new Regex(texts[i], RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline));
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                // Backreferences, lookarounds, a graph that would be too large: what cannot be matched in linear time.
                errors.Add(At(path, i), $"\"{texts[i]}\" cannot be compiled without backtracking: {e.Message}");
            }
        }

        return [.. expressions];
    }

    private void AddLists(IReadOnlyList<string> names, string path, List<Condition> parts, Func<string, ListSlot[], Condition> make)
    {
        if (names.Count > 0)
        {
            parts.Add(make(path, [.. names.Select(lists.Slot)]));
        }
    }

    private void AddWords(IReadOnlyList<string> words, string path, List<Condition> parts, Func<string, string[], Condition> make)
        => Add(words, path, parts, make, static word => word.Length > 0, "is empty.");

    private void Add<T>(
        IReadOnlyList<T> values, string path, List<Condition> parts, Func<string, T[], Condition> make, Func<T, bool> isGood, string otherwise)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (!isGood(values[i]))
            {
                errors.Add(At(path, i), $"\"{values[i]}\" {otherwise}");
            }
        }

        if (values.Count > 0)
        {
            parts.Add(make(path, [.. values]));
        }
    }

    private delegate bool TryParse<T>(string text, [MaybeNullWhen(false)] out T value);

    private void AddParsed<T>(
        IReadOnlyList<string> texts, string path, List<Condition> parts, Func<string, T[], Condition> make, TryParse<T> tryParse, string otherwise)
    {
        List<T> values = [];
        for (var i = 0; i < texts.Count; i++)
        {
            if (tryParse(texts[i], out var value))
            {
                values.Add(value);
            }
            else
            {
                errors.Add(At(path, i), $"\"{texts[i]}\" {otherwise}");
            }
        }

        if (texts.Count > 0)
        {
            parts.Add(make(path, [.. values]));
        }
    }

    private static bool TryParseRange(string text, int least, int most, out PortRange range)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var first = dash < 0 ? text : text[..dash];
        var last = dash < 0 ? text : text[(dash + 1)..];
        range = default;
        if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            || from < least || to > most || from > to)
        {
            return false;
        }

        range = new PortRange(from, to);
        return true;
    }

    private static bool TryParseMediaType(string text, [MaybeNullWhen(false)] out string type)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        type = null;
        if (slash <= 0 || !FieldNames.IsToken(text.AsSpan(0, slash)) || !FieldNames.IsToken(text.AsSpan(slash + 1)))
        {
            return false;
        }

        type = text.EndsWith("/*", StringComparison.Ordinal) ? text[..^1] : text;
        return true;
    }

    private static string At(string path, int index) => FormattableString.Invariant($"{path}:{index}");

    private static string At(string path, string key, int index) => FormattableString.Invariant($"{path}:{key}:{index}");
}
