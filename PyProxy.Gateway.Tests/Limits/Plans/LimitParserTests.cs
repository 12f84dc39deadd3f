using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Tests.Limits.Plans;

public sealed class LimitParserTests
{
    [Theory]
    [InlineData("20/s burst 100", "20/s", 20.0, 100)]
    [InlineData("20/s", "20/s", 20.0, 20)]
    [InlineData(" 60/m  burst  1 ", "60/m", 1.0, 1)]
    [InlineData("3600/h", "3600/h", 1.0, 3600)]
    [InlineData("86400/d", "86400/d", 1.0, 86400)]
    [InlineData("100/10s token-bucket", "100/10s", 10.0, 100)]
    public void Rate_IsRead(string text, string name, double perSecond, int burst)
    {
        Assert.True(LimitParser.TryParseRate("p", text, out var rate));
        Assert.Equal((name, perSecond, burst, LimitAlgorithm.TokenBucket, LimitKey.User), (rate.Name, rate.PerSecond, (int)rate.Burst, rate.Algorithm, rate.Key));
    }

    [Theory]
    [InlineData("5/h sliding-window", "5/h", LimitAlgorithm.SlidingWindow, (int)LimitKey.User)]
    [InlineData("5/h fixed-window per address", "5/h per address", LimitAlgorithm.FixedWindow, (int)LimitKey.Address)]
    [InlineData("5/h per host+user burst 3", "5/h per user+host", LimitAlgorithm.TokenBucket, (int)(LimitKey.User | LimitKey.Host))]
    [InlineData("5/h per everyone", "5/h per everyone", LimitAlgorithm.TokenBucket, (int)LimitKey.None)]
    public void WordsBehindARate_AreRead(string text, string name, object algorithm, int key)
    {
        Assert.True(LimitParser.TryParseRate("p", text, out var rate));
        Assert.Equal((name, (LimitAlgorithm)algorithm, (LimitKey)key), (rate.Name, rate.Algorithm, rate.Key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("20")]
    [InlineData("/s")]
    [InlineData("0/s")]
    [InlineData("-1/s")]
    [InlineData("+1/s")]
    [InlineData("1.5/s")]
    [InlineData("20/x")]
    [InlineData("20/sec")]
    [InlineData("20/0s")]
    [InlineData("20/32d")]
    [InlineData("20/s burst")]
    [InlineData("20/s burst 0")]
    [InlineData("20/s burst -5")]
    [InlineData("20/s bust 5")]
    [InlineData("20/s burst 5 5")]
    [InlineData("20/s burst 5 burst 6")]
    [InlineData("20/s per")]
    [InlineData("20/s per planet")]
    [InlineData("20/s per user+user")]
    [InlineData("20/s fixed-window burst 5")]
    [InlineData("20/s fixed-window sliding-window")]
    [InlineData("99999999999/s")]
    public void WhatIsNoRate_IsRefused(string text) => Assert.False(LimitParser.TryParseRate("p", text, out _));

    [Theory]
    [InlineData("10MB/s", 10_000_000, 1_000_000)]
    [InlineData("1.5MiB/s burst 2GB", 1_572_864, 2_000_000_000)]
    [InlineData("1KB/s", 1_000, 1_000)]
    public void Bandwidth_IsRead(string text, long rate, long burst)
    {
        Assert.True(LimitParser.TryParseBandwidth("p", text, out var limit));
        Assert.Equal((rate, burst), (limit.BytesPerSecond, limit.Burst));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("10MB")]
    [InlineData("0MB/s")]
    [InlineData("-1MB/s")]
    [InlineData("999B/s")]
    [InlineData("2000000TB/s")]
    [InlineData("10MB/m")]
    [InlineData("10MB/s burst")]
    [InlineData("10MB/s burst 0B")]
    [InlineData("10MB/s quickly")]
    public void WhatIsNoBandwidth_IsRefused(string text) => Assert.False(LimitParser.TryParseBandwidth("p", text, out _));

    [Theory]
    [InlineData("200GB/month", "200GB/month", 200_000_000_000, true, QuotaPeriod.Month, 1, "UTC", QuotaEnd.Refuse, 0)]
    [InlineData("5000 requests/day", "5000 requests/day", 5000, false, QuotaPeriod.Day, 0, "UTC", QuotaEnd.Refuse, 0)]
    [InlineData("1GB/week start Sunday zone Europe/Berlin then cut", "1GB/week", 1_000_000_000, true, QuotaPeriod.Week, 0, "Europe/Berlin", QuotaEnd.Cut, 0)]
    [InlineData("1GB/week", "1GB/week", 1_000_000_000, true, QuotaPeriod.Week, 1, "UTC", QuotaEnd.Refuse, 0)]
    [InlineData("1GB/month then slow 128KB/s start 15", "1GB/month", 1_000_000_000, true, QuotaPeriod.Month, 15, "UTC", QuotaEnd.Slow, 128_000)]
    public void Quota_IsRead(
        string text, string name, long amount, bool bytes, object period, int start, string zone, object end, long slow)
    {
        Assert.True(LimitParser.TryParseQuota("p", text, out var quota));
        Assert.Equal(
            new QuotaLimit("p", name, amount, bytes, (QuotaPeriod)period, start, TimeZoneInfo.FindSystemTimeZoneById(zone), (QuotaEnd)end, slow), quota);
    }

    [Theory]
    [InlineData("")]
    [InlineData("200GB")]
    [InlineData("200GB/year")]
    [InlineData("200GB/0")]
    [InlineData("0GB/month")]
    [InlineData("-1GB/month")]
    [InlineData("5000/day")]
    [InlineData("5000 answers/day")]
    [InlineData("200GB/month start 29")]
    [InlineData("200GB/month start Sunday")]
    [InlineData("200GB/week start 3")]
    [InlineData("200GB/day start 3")]
    [InlineData("200GB/month zone Mars/Olympus")]
    [InlineData("200GB/month then")]
    [InlineData("200GB/month then 1")]
    [InlineData("200GB/month then explode")]
    [InlineData("200GB/month then slow")]
    [InlineData("200GB/month then slow 5")]
    public void WhatIsNoQuota_IsRefused(string text) => Assert.False(LimitParser.TryParseQuota("p", text, out _));
}
