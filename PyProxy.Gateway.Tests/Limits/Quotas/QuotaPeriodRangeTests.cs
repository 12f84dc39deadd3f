using System.Globalization;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;

namespace PyProxy.Gateway.Tests.Limits.Quotas;

public sealed class QuotaPeriodRangeTests
{
    [Theory]
    [InlineData("1GB/day", "2026-03-15T23:59:59Z", "2026-03-15 day", "2026-03-16T00:00:00Z")]
    [InlineData("1GB/week", "2026-03-15T12:00:00Z", "2026-03-09 week", "2026-03-16T00:00:00Z")]
    [InlineData("1GB/week start Sunday", "2026-03-15T12:00:00Z", "2026-03-15 week", "2026-03-22T00:00:00Z")]
    [InlineData("1GB/month", "2026-03-15T12:00:00Z", "2026-03-01 month", "2026-04-01T00:00:00Z")]
    [InlineData("1GB/month start 20", "2026-03-15T12:00:00Z", "2026-02-20 month", "2026-03-20T00:00:00Z")]
    [InlineData("1GB/month start 28", "2026-01-01T12:00:00Z", "2025-12-28 month", "2026-01-28T00:00:00Z")]
    [InlineData("1GB/day zone Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29 day", "2026-03-29T22:00:00Z")] // 23 hours: clocks go forward
    [InlineData("1GB/month zone Asia/Tokyo", "2026-03-31T15:00:00Z", "2026-04-01 month", "2026-04-30T15:00:00Z")]
    public void Period_IsTheZonesAndBeginsOnItsDay(string text, string now, string name, string end)
    {
        Assert.True(LimitParser.TryParseQuota("standard", text, out var quota));

        var period = QuotaPeriodRange.At(quota, DateTimeOffset.Parse(now, CultureInfo.InvariantCulture));

        Assert.Equal(name, period.Name);
        Assert.Equal(DateTimeOffset.Parse(end, CultureInfo.InvariantCulture), period.End);
    }
}
