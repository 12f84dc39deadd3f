using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>Makes a condition of <c>Match:Time</c>.</summary>
internal sealed class TimeCompiler(ConfigurationErrors errors)
{
    private const int EveryDay = 0b111_1111;

    public void Compile(TimeOptions time, string path, List<Condition> parts)
    {
        if (time is { Days.Count: 0, From: null, To: null })
        {
            errors.Add(path, "needs Days, From or To.");
        }

        var from = TimeOfDay(time.From, $"{path}:From", TimeSpan.Zero);
        var to = TimeOfDay(time.To, $"{path}:To", TimeSpan.FromDays(1));
        if (time is { From: not null, To: not null } && from == to)
        {
            errors.Add($"{path}:To", "is the same as From, which is no time at all; leave both out for the whole day.");
        }

        parts.Add(new TimeCondition(path, Days(time.Days, $"{path}:Days"), from, to, Zone(time.TimeZone, $"{path}:TimeZone")));
    }

    private int Days(IReadOnlyList<DayOfWeek> days, string path)
    {
        var bits = 0;
        for (var i = 0; i < days.Count; i++)
        {
            if (!Enum.IsDefined(days[i]))
            {
                errors.Add(FormattableString.Invariant($"{path}:{i}"), "is no day of the week.");
            }

            bits |= 1 << ((int)days[i] & 7);
        }

        return bits == 0 ? EveryDay : bits;
    }

    private TimeSpan TimeOfDay(string? text, string path, TimeSpan absent)
    {
        if (text is null)
        {
            return absent;
        }

        if (TimeOnly.TryParseExact(text, ["HH:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            return time.ToTimeSpan();
        }

        errors.Add(path, $"\"{text}\" is no time of day; write hh:mm, from 00:00 to 23:59.");
        return absent;
    }

    private TimeZoneInfo Zone(string? id, string path)
    {
        if (id is null)
        {
            return TimeZoneInfo.Utc;
        }

        if (TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone))
        {
            return zone;
        }

        errors.Add(path, $"\"{id}\" is no time zone of this machine; names are as in Europe/Berlin.");
        return TimeZoneInfo.Utc;
    }
}
