using System.IO.Pipelines;
using System.Text;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.Connect;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Connect;

/// <summary>The reader against the contract of <see cref="PipeReader"/>, with the inner reader in sight.</summary>
public sealed class ConnectHeadPipeReaderTests
{
    private const string Head = "CONNECT a:1 HTTP/1.1\r\nHost: b\r\n\r\n";
    private const string Rewritten = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";

    private readonly Pipe _pipe = new(new PipeOptions(useSynchronizationContext: false));
    private readonly ConnectHeadPipeReader _reader;

    public ConnectHeadPipeReaderTests() => _reader = new ConnectHeadPipeReader(_pipe.Reader);

    [Fact]
    public async Task RewrittenHead_LeavesTheBytesBehindItInTheInnerReader()
    {
        await SendAsync(Head + "early");
        var result = await ReadAsync();
        Assert.Equal(Rewritten, Text(result));
        _reader.AdvanceTo(result.Buffer.End);
        Assert.True(_pipe.Reader.TryRead(out var inner));
        Assert.Equal("early", Text(inner));
    }

    [Fact]
    public async Task TryRead_SeesTheSame()
    {
        Assert.False(_reader.TryRead(out _));
        await SendAsync(Head + "early");
        Assert.True(_reader.TryRead(out var result));
        Assert.Equal(Rewritten, Text(result));
        _reader.AdvanceTo(result.Buffer.End);
        Assert.True(_reader.TryRead(out result));
        Assert.Equal("early", Text(result));
    }

    [Fact]
    public async Task HeadInPieces_IsAnnouncedOnceAndThenWaitedFor()
    {
        await SendAsync("CONNECT a:1 HT");
        var result = await ReadAsync();
        Assert.Equal("CONNECT ", Text(result)); // enough to start the server's timeout for heads
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);

        var reading = _reader.ReadAsync(TestContext.Current.CancellationToken);
        await SendAsync("TP/1.1\r\nHo");
        Assert.False(reading.IsCompleted);
        await SendAsync("st: b\r\n\r\nearly");
        result = await reading;
        Assert.Equal(Rewritten, Text(result));
        _reader.AdvanceTo(result.Buffer.End);
        Assert.Equal("early", Text(await ReadAsync()));
    }

    [Fact]
    public async Task Transport_HearsWhetherATunnelIsAskedFor()
    {
        var takeover = new Listening();
        var reader = new ConnectHeadPipeReader(_pipe.Reader, takeover);
        foreach (var (head, isTunnel) in new[] { (Head, true), ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", false), (Rewritten, true) })
        {
            await SendAsync(head);
            var result = await reader.ReadAsync(TestContext.Current.CancellationToken);
            reader.AdvanceTo(result.Buffer.End);
            Assert.Equal(isTunnel, takeover.Expected);
            reader.HeadConsumed(bodyLength: 0);
        }
    }

    [Fact]
    public async Task RewrittenHeadTakenInParts_IsServedToItsEnd()
    {
        await SendAsync(Head);
        var result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.GetPosition(10), result.Buffer.GetPosition(12));
        result = await ReadAsync();
        Assert.False(result.IsCompleted);
        Assert.Equal(Rewritten[10..], Text(result));
    }

    [Fact]
    public async Task RewrittenHeadNotAccepted_HasNoMore()
    {
        await SendAsync(Head + "more");
        var result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        result = await ReadAsync();
        Assert.True(result.IsCompleted);
        Assert.Equal(Rewritten, Text(result));
    }

    [Fact]
    public async Task CancelPendingRead_PassesThroughAndKeepsTheBytes()
    {
        await SendAsync(Head[..20]);
        var result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        var reading = _reader.ReadAsync(TestContext.Current.CancellationToken);
        _reader.CancelPendingRead();
        result = await reading;
        Assert.True(result.IsCanceled);
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);

        await SendAsync(Head[20..]);
        Assert.Equal(Rewritten, Text(await ReadAsync()));
    }

    [Fact]
    public async Task IdleConnectionCanceled_GivesAnEmptyRead()
    {
        var reading = _reader.ReadAsync(TestContext.Current.CancellationToken);
        _reader.CancelPendingRead();
        var result = await reading;
        Assert.True(result.IsCanceled);
        Assert.True(result.Buffer.IsEmpty);
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
    }

    [Fact]
    public async Task EndInTheMiddleOfAHead_PassesUntouched()
    {
        await SendAsync(Head[..20]);
        await _pipe.Writer.CompleteAsync();
        var result = await ReadAsync();
        Assert.Equal(Head[..20], Text(result));
        Assert.True(result.IsCompleted);
    }

    [Theory]
    [InlineData("C", "OPY / HTTP/1.1\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b", "\n\r\n")] // a bare LF is nothing to wait behind
    public async Task BytesThatRuleACleanConnectOut_PassAtOnce(string first, string second)
    {
        await SendAsync(first);
        var result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        await SendAsync(second);
        Assert.Equal(first + second, Text(await ReadAsync()));
    }

    [Theory]
    [InlineData(32 * 1024, true)]
    [InlineData((32 * 1024) + 1, false)]
    public async Task HeadLongerThanTheBound_PassesUntouched(int length, bool rewritten)
    {
        var filler = new string('x', length - Head.Length - 5);
        await SendAsync(Head[..^2] + $"X: {filler}\r\n\r\n");
        var text = Text(await ReadAsync());
        Assert.Equal(rewritten, text.Contains("Host: a:1\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task BehindARequest_NothingIsTouchedUntilTheBoundaryIsProven()
    {
        await SendAsync("POST");
        await PassAsync("POST");
        await SendAsync(Head);
        await PassAsync(Head);
        _reader.HeadConsumed(bodyLength: null);
        await SendAsync(Head);
        await PassAsync(Head);
        _reader.HeadConsumed(bodyLength: 0);
        await SendAsync(Head);
        await PassAsync(Rewritten);
        await SendAsync(Head);
        await PassAsync(Head); // the tunnel's own bytes
    }

    [Fact]
    public async Task BehindABodyOfKnownLength_TheNextHeadIsRewritten()
    {
        await SendAsync("POST");
        await PassAsync("POST");
        Assert.Null(_reader.HeadConsumed(bodyLength: Head.Length + 3));
        await SendAsync(Head + "abc" + Head);

        var result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.GetPosition(5)); // in pieces
        result = await ReadAsync();
        Assert.Equal(Head[5..] + "abc" + Head, Text(result));
        _reader.AdvanceTo(result.Buffer.GetPosition(Head.Length - 5 + 3));
        await PassAsync(Rewritten);
    }

    [Fact]
    public async Task MoreThanTheBodyConsumed_NothingIsTouchedAnyMore()
    {
        await SendAsync("POST");
        await PassAsync("POST");
        _reader.HeadConsumed(bodyLength: 3);
        await SendAsync("abcd");
        await PassAsync("abcd");
        await SendAsync(Head);
        await PassAsync(Head);
    }

    [Fact]
    public async Task HiddenTarget_IsToldOnceForItsHead()
    {
        await SendAsync("CONNECT a_b:1 HTTP/1.1\r\nHost: a_b:1\r\n\r\n");
        await PassAsync($"CONNECT {ConnectHead.StandIn} HTTP/1.1\r\nHost: {ConnectHead.StandIn}\r\n\r\n");
        Assert.Equal("a_b:1", _reader.HeadConsumed(bodyLength: 0));
        await SendAsync(Head);
        await PassAsync(Rewritten);
        Assert.Null(_reader.HeadConsumed(bodyLength: 0));
    }

    [Fact]
    public async Task RandomSplits_GiveTheSameBytes()
    {
        var random = new Random(20_31);
        for (var run = 0; run < 500; run++)
        {
            var pipe = new Pipe(new PipeOptions(minimumSegmentSize: 16, useSynchronizationContext: false));
            var reader = new ConnectHeadPipeReader(pipe.Reader);
            var sending = SendInPiecesAsync(pipe.Writer, Head + "early", random.Next());
            var seen = await ReadHeadAsync(reader);
            Assert.Equal(Rewritten, seen);
            using var rest = new MemoryStream();
            await reader.CopyToAsync(rest, TestContext.Current.CancellationToken);
            await sending;
            Assert.Equal("early", Encoding.Latin1.GetString(rest.ToArray()));
        }
    }

    private static async Task SendInPiecesAsync(PipeWriter writer, string text, int seed)
    {
        var random = new Random(seed);
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var sent = 0; sent < bytes.Length;)
        {
            var count = Math.Min(random.Next(1, 9), bytes.Length - sent);
            await writer.WriteAsync(bytes.AsMemory(sent, count));
            sent += count;
            if (random.Next(2) == 0)
            {
                await Task.Yield();
            }
        }

        await writer.CompleteAsync();
    }

    // As Kestrel does it: nothing is consumed before the head is whole, then exactly the head.
    private static async Task<string> ReadHeadAsync(PipeReader reader)
    {
        while (true)
        {
            var result = await reader.ReadAsync(TestContext.Current.CancellationToken);
            var text = Encoding.Latin1.GetString(result.Buffer);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                reader.AdvanceTo(result.Buffer.GetPosition(end + 4));
                return text[..(end + 4)];
            }

            Assert.False(result.IsCompleted);
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private async Task SendAsync(string text) => await _pipe.Writer.WriteAsync(Encoding.Latin1.GetBytes(text));

    private Task<ReadResult> ReadAsync() => _reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(PipeConnection.Patience);

    private async Task PassAsync(string expected)
    {
        var result = await ReadAsync();
        Assert.Equal(expected, Text(result));
        _reader.AdvanceTo(result.Buffer.End);
    }

    private static string Text(ReadResult result) => Encoding.Latin1.GetString(result.Buffer);

    private sealed class Listening : IConnectionTakeover
    {
        public bool? Expected { get; private set; }

        public void ExpectTunnel(bool isExpected) => Expected = isExpected;

        public ValueTask<ITunnelLeg> TakeAsync(ReadOnlyMemory<byte> greeting, CancellationToken ct) => throw new NotSupportedException();

        public void RunBehindRequest(Func<Task> tunnel) => throw new NotSupportedException();
    }
}
