using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Filtering;

/// <summary>Every mistake in a rule is a configuration error that names its place.</summary>
public sealed class RuleErrorTests
{
    private const string Rule = "Gateway:Filtering:Rules:0";

    /// <summary>A mistake, its place below the rule, and what the message speaks of.</summary>
    public static TheoryData<string, string, string> Mistakes => new()
    {
        { """ "HostRegex": [ "ok", "(a)\\1" ] """, "Match:HostRegex:1", "without backtracking" },
        { """ "HostRegex": [ "a(?=b)" ] """, "Match:HostRegex:0", "without backtracking" },
        { """ "HostRegex": [ "(" ] """, "Match:HostRegex:0", "without backtracking" },
        { """ "Path": { "Regex": [ "[" ] } """, "Match:Path:Regex:0", "without backtracking" },
        { """ "Path": { } , "Ports": [ "1" ] """, "", "" },
        { """ "Query": { "Regex": [ "" ] } """, "Match:Query:Regex:0", "characters" },
        { """ "Headers": [ { "Name": "a b" } ] """, "Match:Headers:0:Name", "field name" },
        { """ "Headers": [ { "Name": "a", "Present": false, "Exact": [ "x" ] } ] """, "Match:Headers:0:Present", "no value" },
        { """ "Hosts": [ "a b" ] """, "Match:Hosts:0", "neither a host name" },
        { """ "Ports": [ "0" ] """, "Match:Ports:0", "neither a port" },
        { """ "Ports": [ "9-8" ] """, "Match:Ports:0", "neither a port" },
        { """ "Addresses": [ "10.0.0.0/40" ] """, "Match:Addresses:0", "CIDR" },
        { """ "BodySize": { "Min": 5, "Max": 4 } """, "Match:BodySize", "Min not above Max" },
        { """ "Schemes": [ "ftp" ] """, "Match:Schemes:0", "http nor https" },
        { """ "Time": { "From": "25:00" } """, "Match:Time:From", "no time of day" },
        { """ "Time": { "From": "09:00", "TimeZone": "Mars/Olympus" } """, "Match:Time:TimeZone", "no time zone" },
        { """ "Time": { } , "Ports": [ "1" ] """, "", "" },
        { """ "Any": [ { "Users": [ "" ] } ] """, "Match:Any:0:Users:0", "empty" },
        { """ "Not": { "All": [ { "Hosts": [ "*.10.0.0.1" ] } ] } """, "Match:Not:All:0:Hosts:0", "neither a host name" },
        { """ "Response": { "Statuses": [ "200" ] } """, "Match", "response" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistake_IsReportedWithItsPlace(string match, string place, string message)
    {
        var errors = Validate($$"""{ "Name": "a", "Match": { {{match}} }, "Action": "Deny" }""");

        if (place.Length == 0)
        {
            Assert.Empty(errors); // an empty object is as if it were not there: the binder knows no difference
            return;
        }

        var error = Assert.Single(errors);
        Assert.Equal($"{Rule}:{place}", error.Path);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "Action": "Redirect", "Location": "ftp://x/" """, "Location")]
    [InlineData(""" "Action": "Redirect", "Location": "/x", "Status": 200 """, "Status")]
    [InlineData(""" "Action": "Rewrite" """, "To")]
    [InlineData(""" "Action": "Rewrite", "To": { "Port": 0 } """, "To:Port")]
    [InlineData(""" "Action": "Rewrite", "To": { "Path": "x" } """, "To:Path")]
    [InlineData(""" "Action": "SetField", "Field": "Host", "Value": "x" """, "Field")]
    [InlineData(""" "Action": "SetField", "Field": "X-A", "Value": "a\r\nb" """, "Value")]
    [InlineData(""" "Action": "Tag", "Tag": "a b" """, "Tag")]
    [InlineData(""" "Action": "Plan" """, "Plan")]
    [InlineData(""" "Action": "Deny", "Location": "/x" """, "Location")]
    [InlineData(""" "Action": "Deny", "Page": "/nowhere/page.html" """, "Page")]
    public void ActionThatCannotBe_IsReportedWithItsPlace(string action, string place)
        => Assert.Equal($"{Rule}:{place}", Assert.Single(Validate($$"""{ "Name": "a", "Match": { "Hosts": [ "x.example" ] }, {{action}} }""")).Path);

    private static IReadOnlyList<ConfigurationError> Validate(string rule)
    {
        using var text = new MemoryStream(System.Text.Encoding.UTF8.GetBytes($$"""{ "Gateway": { "Filtering": { "Rules": [ {{rule}} ] } } }"""));
        var options = new ConfigurationBuilder().AddJsonStream(text).Build().GetSection(FilteringOptions.SectionPath).Get<FilteringOptions>()!;
        var errors = new ConfigurationErrors();
        new FilteringOptionsValidator().Validate(options, FilteringOptions.SectionPath, errors);
        return errors.All;
    }
}
