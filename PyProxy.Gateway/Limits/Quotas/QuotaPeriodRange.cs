using System.Globalization;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>One day, week or month of a quota, as its time zone has it.</summary>
/// <param name="Name">Its first day and its kind: <c>2026-03-15 month</c>.</param>
/// <param name="End">The first moment that does not belong to it.</param>
internal sealed record QuotaPeriodRange(string Name, DateTimeOffset End)
{
    public static QuotaPeriodRange At(QuotaLimit quota, DateTimeOffset now)
    {
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, quota.TimeZone).DateTime);
        var (first, next) = quota.Period switch
        {
            QuotaPeriod.Day => (today, today.AddDays(1)),
            QuotaPeriod.Week => WeekOf(today, (DayOfWeek)quota.StartDay),
            _ => MonthOf(today, quota.StartDay),
        };
        var name = string.Create(CultureInfo.InvariantCulture, $"{first:yyyy-MM-dd} {quota.Period.ToString().ToLowerInvariant()}");
        return new QuotaPeriodRange(name, MidnightOf(next, quota.TimeZone));
    }

    private static (DateOnly First, DateOnly Next) WeekOf(DateOnly today, DayOfWeek start)
    {
        var first = today.AddDays(-(((int)today.DayOfWeek - (int)start + 7) % 7));
        return (first, first.AddDays(7));
    }

    private static (DateOnly First, DateOnly Next) MonthOf(DateOnly today, int start)
    {
        var first = new DateOnly(today.Year, today.Month, start);
        first = first > today ? first.AddMonths(-1) : first;
        return (first, first.AddMonths(1));
    }

    // Where clocks jump over midnight the day begins when they have jumped.
    private static DateTimeOffset MidnightOf(DateOnly day, TimeZoneInfo zone)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(midnight))
        {
            midnight = midnight.AddMinutes(15);
        }

        return new DateTimeOffset(midnight, zone.GetUtcOffset(midnight));
    }
}
