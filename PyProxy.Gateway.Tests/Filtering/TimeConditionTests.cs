using System.Globalization;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Filtering;

/// <summary>Times of day and weekdays of a time zone, over midnight and over the change of clocks.</summary>
public sealed class TimeConditionTests
{
    private static readonly TimeOptions Work = new()
    {
        Days = [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday], From = "08:00", To = "18:00", TimeZone = "Europe/Berlin",
    };

    private static readonly TimeOptions FridayNight = new() { Days = [DayOfWeek.Friday], From = "22:00", To = "06:00", TimeZone = "Europe/Berlin" };

    [Theory]
    [InlineData("2026-03-02T06:59Z", false)] // a Monday, before eight in Berlin's winter
    [InlineData("2026-03-02T07:00Z", true)]
    [InlineData("2026-03-02T16:59Z", true)]
    [InlineData("2026-03-02T17:00Z", false)]
    [InlineData("2026-03-01T09:00Z", false)] // a Sunday
    [InlineData("2026-03-30T05:59Z", false)] // in summer it is eight an hour earlier
    [InlineData("2026-03-30T06:00Z", true)]
    public void WorkingHours_AreThoseOfTheZone(string at, bool matches) => Assert.Equal(matches, Matches(Work, at));

    [Theory]
    [InlineData("2026-03-06T20:59Z", false)] // a Friday, 21:59 in Berlin
    [InlineData("2026-03-06T21:00Z", true)]
    [InlineData("2026-03-07T04:59Z", true)] // Saturday morning belongs to Friday night
    [InlineData("2026-03-07T05:00Z", false)]
    [InlineData("2026-03-07T21:30Z", false)] // Saturday night does not
    [InlineData("2026-03-06T02:00Z", false)] // Friday morning belongs to Thursday
    public void NightOfADay_EndsOnTheDayAfter(string at, bool matches) => Assert.Equal(matches, Matches(FridayNight, at));

    private static bool Matches(TimeOptions time, string at)
    {
        var errors = new ConfigurationErrors();
        List<Condition> parts = [];
        new TimeCompiler(errors).Compile(time, "Time", parts);
        Assert.Empty(errors.All);
        return Assert.Single(parts).Evaluate(new Facts
        {
            WayIn = WayIn.Connect, Method = "CONNECT", Host = "x.example", Now = DateTimeOffset.Parse(at, CultureInfo.InvariantCulture),
        }) == Outcome.Yes;
    }
}
