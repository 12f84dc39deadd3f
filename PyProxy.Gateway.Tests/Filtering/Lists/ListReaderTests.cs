using System.Diagnostics;
using System.Globalization;
using System.Text;
using PyProxy.Gateway.Filtering.Lists;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

public sealed class ListReaderTests
{
    [Fact]
    public async Task Garbage_IsGivenUpSoon()
    {
        await using var garbage = new EndlessStream(0xAA, 0x0A);

        var e = await Assert.ThrowsAsync<ListException>(() => ReadAsync(garbage, new ListOptions { Format = ListFormat.Domains }));

        Assert.Contains("no lines of the format Domains", e.Message, StringComparison.Ordinal);
        Assert.InRange(garbage.Delivered, 1, 1024 * 1024);
    }

    [Theory]
    [InlineData("Domains")]
    [InlineData("Hosts")]
    [InlineData("AdBlock")]
    [InlineData("Rpz")]
    [InlineData("Cidr")]
    public async Task RandomBytes_AreNoListOfAnyFormat(string format)
    {
        var bytes = new byte[4 * 1024 * 1024];
        new Random(7).NextBytes(bytes);

        await Assert.ThrowsAsync<ListException>(() => ReadAsync(new MemoryStream(bytes), new ListOptions { Format = Enum.Parse<ListFormat>(format) }));
    }

    [Fact]
    public async Task ListThatNeverEnds_StopsAtMaxBytes()
    {
        await using var endless = new EndlessStream("example.com\n"u8.ToArray());

        var e = await Assert.ThrowsAsync<ListException>(
            () => ReadAsync(endless, new ListOptions { Format = ListFormat.Domains, MaxBytes = 1_000_000 }));

        Assert.Contains("MaxBytes", e.Message, StringComparison.Ordinal);
        Assert.InRange(endless.Delivered, 1_000_000, 1_200_000);
    }

    [Fact]
    public async Task LineThatNeverEnds_StopsAtMaxBytes()
    {
        await using var endless = new EndlessStream((byte)'a');

        await Assert.ThrowsAsync<ListException>(() => ReadAsync(endless, new ListOptions { Format = ListFormat.Domains, MaxBytes = 1_000_000 }));
    }

    [Fact]
    public async Task OverlongLine_IsLeftOutAndCounted()
    {
        var text = $"first.example\n{new string('a', 200_000)}\nlast.example\n";

        var list = await ReadAsync(text, new ListOptions { Format = ListFormat.Domains });

        Assert.True(list.ContainsHost("first.example"));
        Assert.True(list.ContainsHost("last.example"));
        Assert.Equal([new LeftOutLine(2, IsUnsupported: false)], list.Summary.FirstLeftOut);
    }

    [Fact]
    public async Task TooManyEntries_AreRefused()
        => await Assert.ThrowsAsync<ListException>(
            () => ReadAsync("a.example\nb.example\nc.example", new ListOptions { Format = ListFormat.Domains, MaxEntries = 2 }));

    [Fact]
    public async Task TooFewEntries_AreRefused()
    {
        await Assert.ThrowsAsync<ListException>(() => ReadAsync("", new ListOptions { Format = ListFormat.Domains }));

        var empty = await ReadAsync("", new ListOptions { Format = ListFormat.Domains, MinEntries = 0 });
        Assert.False(empty.ContainsHost("example.com"));
    }

    [Fact]
    public async Task ErrorPage_IsNoList()
        => await Assert.ThrowsAsync<ListException>(() => ReadAsync(
            "<!DOCTYPE html>\n<html>\n<head><title>503</title></head>\n<body>\nbusy\n</body>\n</html>\n", new ListOptions { Format = ListFormat.Domains }));

    [Fact]
    public async Task LeftOutLines_AreToldByNumberUpToABound()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 100; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"||host{i}.example^\nhost{i}.example##.ad\n");
        }

        var list = await ReadAsync(text.ToString(), new ListOptions { Format = ListFormat.AdBlock });

        Assert.Equal(100, list.Summary.Unsupported);
        Assert.Equal(ListReader.MaxReported, list.Summary.FirstLeftOut.Count);
        Assert.Equal(2, list.Summary.FirstLeftOut[0].Number);
    }

    /// <summary>Every name, and none besides, against a plain set: no two names may be taken for one another.</summary>
    [Fact]
    public async Task MillionDomains_AreFoundExactly_InLittleRoomAndTime()
    {
        var text = MillionDomains.Text();
        var clock = Stopwatch.StartNew();
        var list = await ReadAsync(new MemoryStream(text), new ListOptions { Format = ListFormat.Domains });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{text.Length} bytes of text loaded in {clock.ElapsedMilliseconds} ms, {list.Bytes} bytes held"));

        Assert.Equal(MillionDomains.Count, list.Summary.Entries);
        Assert.InRange(list.Bytes, 1, 64 * 1024 * 1024);
        for (var i = 0; i < MillionDomains.Count; i++)
        {
            if (!list.ContainsHost(MillionDomains.Name(i)) || list.ContainsHost(MillionDomains.Absent(i)))
            {
                Assert.Fail(MillionDomains.Name(i));
            }
        }
    }

    [Fact]
    public async Task Lookup_AllocatesNothing()
    {
        var list = await ReadAsync("example.com\nads.example.net\n", new ListOptions { Format = ListFormat.Domains });
        string[] hosts = ["www.example.com", "example.org", "a.b.c.d.e.f.example.net"];
        Look(list, hosts);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Look(list, hosts);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Look(LoadedList list, string[] hosts)
    {
        for (var i = 0; i < 1000; i++)
        {
            foreach (var host in hosts)
            {
                list.ContainsHost(host);
            }
        }
    }

    private static Task<LoadedList> ReadAsync(string text, ListOptions options) => ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), options);

    private static Task<LoadedList> ReadAsync(Stream stream, ListOptions options)
        => ListReader.ReadAsync(stream, options, TestContext.Current.CancellationToken);
}

/// <summary>A million names such as lists have, made rather than shipped.</summary>
internal static class MillionDomains
{
    public const int Count = 1_000_000;

    private static readonly string[] Endings = ["com", "net", "org", "info", "co.uk", "de", "ru", "xyz"];

    public static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"track{i * 7919L % 10_000_019:x}.ads{i % 977}.{Endings[i % Endings.Length]}");

    public static string Absent(int i) => string.Create(CultureInfo.InvariantCulture, $"track{i * 7919L % 10_000_019:x}.ads{i % 977}.example");

    public static byte[] Text()
    {
        var text = new MemoryStream();
        for (var i = 0; i < Count; i++)
        {
            text.Write(Encoding.ASCII.GetBytes(Name(i)));
            text.WriteByte((byte)'\n');
        }

        return text.ToArray();
    }
}

/// <summary>The same bytes again and again.</summary>
internal sealed class EndlessStream(params byte[] pattern) : Stream
{
    public long Delivered { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => Delivered; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        for (var i = 0; i < count; i++)
        {
            buffer[offset + i] = pattern[(Delivered + i) % pattern.Length];
        }

        Delivered += count;
        return count;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
