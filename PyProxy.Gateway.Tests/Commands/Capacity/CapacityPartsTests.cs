using System.Buffers;
using System.Text;
using PyProxy.Gateway.Commands.Capacity;

namespace PyProxy.Gateway.Tests.Commands.Capacity;

public sealed class CapacityPartsTests
{
    [Fact]
    public void Mix_IsKeptAtAnyNumberOfUsers()
    {
        var mix = LoadMix.Parse("plain=70, tunnel=20, reverse=10");
        var present = new Dictionary<LoadKind, int>();
        for (var users = 1; users <= 100; users++)
        {
            var kind = mix.Next(present);
            present[kind] = present.GetValueOrDefault(kind) + 1;
            Assert.InRange(present.GetValueOrDefault(LoadKind.Plain), (0.7 * users) - 1, (0.7 * users) + 1);
        }

        Assert.Equal((70, 20, 10), (present[LoadKind.Plain], present[LoadKind.Tunnel], present[LoadKind.Reverse]));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nrest", 200, 12L, false, true, null)]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, null, true, true, null)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", 200, null, false, false, null)]
    [InlineData("HTTP/1.0 204 No Content\r\n\r\n", 204, null, false, false, null)]
    [InlineData("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\nProxy-Status: g; error=connection_refused; details=\"x\"\r\n\r\n", 502, 0L, false, false, "connection_refused")]
    public void Head_IsRead(string text, int status, long? length, bool chunked, bool keepsAlive, string? error)
    {
        Assert.True(ResponseHead.TryRead(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(text)), out var head, out _));
        Assert.Equal(new ResponseHead(status, length, chunked, keepsAlive, error), head);
    }

    [Fact]
    public void HalfAHead_IsNone()
        => Assert.False(ResponseHead.TryRead(new ReadOnlySequence<byte>("HTTP/1.1 200 OK\r\nContent-"u8.ToArray()), out _, out _));

    [Fact]
    public void Metrics_AreReadAndSummed()
    {
        var vitals = GatewayVitals.Parse("""
            # TYPE dotnet_process_cpu_time_seconds_total counter
            dotnet_process_cpu_time_seconds_total{otel_scope_name="System.Runtime",cpu_mode="user"} 1.5 1700000000000
            dotnet_process_cpu_time_seconds_total{otel_scope_name="System.Runtime",cpu_mode="system"} 0.5 1700000000000
            dotnet_process_memory_working_set_bytes 1e8
            pyproxy_limiter_decisions_total{plan="free",limit="20/s",outcome="refused"} 7
            pyproxy_limiter_decisions_total{plan="free",limit="20/s",outcome="allowed"} 70

            """);

        Assert.Equal((2.0, 1e8), (vitals.CpuSeconds, vitals.MemoryBytes));
        Assert.Null(vitals.OpenFiles);
        Assert.Equal(7, Assert.Single(vitals.Refusals, refusal => refusal.Key == "free: 20/s").Value);
    }

    /// <summary>A gateway that stops answering must not look quick because nothing was measured.</summary>
    [Fact]
    public void RequestsWithoutAnAnswer_CountInTheLatencies()
    {
        var recorder = new LoadRecorder();
        recorder.Record(LoadKind.Plain, TimeSpan.FromMilliseconds(1), failure: null);

        recorder.RecordPending(TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(1));

        Assert.Equal(3, recorder.Pending);
        Assert.InRange(recorder.LatencyAt(99).TotalSeconds, 2.49, 2.51);
        Assert.InRange(recorder.LatencyAt(50).TotalSeconds, 0.49, 0.51);
    }

    [Theory]
    [InlineData("descriptors", 0.5, 990, 0.2)]
    [InlineData("cpu", 1.9, 10, 0.2)]
    [InlineData("cpu", 0.9, 10, 0.99)]
    [InlineData("unknown", 0.5, 10, 0.2)]
    public void WhatWasFullest_GaveWay(string kind, double gatewayCpu, double files, double machine)
        => Assert.Equal(kind, Bottleneck.Of(Stage(gatewayCpu, files, machine)).Kind);

    private static CapacityStage Stage(double gatewayCpu, double files, double machine) => new()
    {
        Users = 1,
        Held = false,
        Seconds = 1,
        Requests = 1,
        RequestsPerSecond = 1,
        ErrorShare = 0,
        P50Milliseconds = 1,
        P90Milliseconds = 1,
        P99Milliseconds = 1,
        P999Milliseconds = 1,
        OwnLatenessP99Milliseconds = 1,
        OwnCpu = 0.1,
        MachineCpu = machine,
        GatewayCpu = gatewayCpu,
        GatewayProcessors = 2,
        GatewayOpenFiles = files,
        GatewayOpenFilesLimit = 1000,
        Kinds = new Dictionary<string, long>(),
        Failures = new Dictionary<string, long>(),
        LimitRefusals = new Dictionary<string, double>(),
    };
}
