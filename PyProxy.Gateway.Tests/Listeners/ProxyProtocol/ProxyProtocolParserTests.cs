using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using PyProxy.Gateway.Listeners.ProxyProtocol;

namespace PyProxy.Gateway.Tests.Listeners.ProxyProtocol;

public sealed class ProxyProtocolParserTests
{
    private static readonly byte[] Signature = "\r\n\r\n\0\r\nQUIT\n"u8.ToArray();

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "192.0.2.1:56324", "198.51.100.7:443")]
    [InlineData("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n", "255.255.255.255:65535", "0.0.0.0:0")]
    [InlineData("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1", "[::1]:2")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "[::ffff:192.0.2.1]:1", "[::1]:2")]
    [InlineData("PROXY UNKNOWN\r\n", null, null)]
    [InlineData("PROXY UNKNOWN whatever it says\r\n", null, null)]
    public void Version1_ConveysAddresses(string line, string? source, string? destination)
        => AssertParsesAtEverySplit(Encoding.Latin1.GetBytes(line), source, destination);

    [Theory]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n")]
    [InlineData("PROXY TCP4  192.0.2.1 198.51.100.7 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.7 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.01 198.51.100.7 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.256 198.51.100.7 56324 443\r\n")]
    [InlineData("PROXY TCP4 0x7f.0.0.1 198.51.100.7 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 065 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 +1 443\r\n")]
    [InlineData("PROXY TCP4 ::1 ::1 1 1\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 192.0.2.1 1 1\r\n")]
    [InlineData("PROXY TCP6 fe80::1%1 ::1 1 1\r\n")]
    [InlineData("PROXY TCP6 [::1] ::1 1 1\r\n")]
    [InlineData("PROXY UDP4 192.0.2.1 198.51.100.7 1 1\r\n")]
    [InlineData("PROXY tcp4 192.0.2.1 198.51.100.7 1 1\r\n")]
    [InlineData("PROXY UNKNOWNS\r\n")]
    [InlineData("PROXY TCP4 192.0.2.\xB2 198.51.100.7 1 1\r\n")]
    public void Version1Malformed_IsSaidSo(string line)
        => Assert.Equal(ProxyProtocolParseStatus.Malformed, Parse(Encoding.Latin1.GetBytes(line)));

    [Fact]
    public void Version1WithoutEndIn107Bytes_IsOversized()
    {
        var line = "PROXY UNKNOWN " + new string('x', 93);
        Assert.Equal(ProxyProtocolParseStatus.Oversized, Parse(Encoding.Latin1.GetBytes(line)));
        Assert.Equal(ProxyProtocolParseStatus.Incomplete, Parse(Encoding.Latin1.GetBytes(line[..^1])));
        Assert.Equal(ProxyProtocolParseStatus.Complete, Parse(Encoding.Latin1.GetBytes(line[..^2] + "\r\n")));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n")]
    [InlineData("PROPFIND")]
    [InlineData("PROXY\t")]
    [InlineData("\r\nGET")]
    [InlineData("\x16\x03\x01")]
    public void OtherBytes_AreRuledOut(string text)
        => Assert.Equal(ProxyProtocolParseStatus.NoHeader, Parse(Encoding.Latin1.GetBytes(text)));

    [Fact]
    public void Version2Inet_ConveysAddresses()
        => AssertParsesAtEverySplit(
            Version2(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 7, 0xDC, 0x04, 0x01, 0xBB]), "192.0.2.1:56324", "198.51.100.7:443");

    [Fact]
    public void Version2Inet6WithTlvs_ConveysAddresses()
    {
        byte[] addresses = [0x20, 1, 0x0d, 0xb8, .. new byte[11], 1, .. new byte[15], 1, 0, 80, 1, 0xBB];
        AssertParsesAtEverySplit(Version2(0x21, 0x21, [.. addresses, 0x02, 0, 3, (byte)'a', (byte)'.', (byte)'b']), "[2001:db8::1]:80", "[::1]:443");
    }

    [Theory]
    [InlineData(0x20, 0x00, 0)] // LOCAL
    [InlineData(0x20, 0x11, 12)] // LOCAL with an address block, which must be ignored
    [InlineData(0x20, 0x11, 3)] // LOCAL with whatever
    [InlineData(0x21, 0x00, 7)] // UNSPEC
    [InlineData(0x21, 0x31, 216)] // Unix
    [InlineData(0x21, 0x12, 12)] // UDP
    public void Version2WithoutTcpClient_KeepsTheSocketsAddress(byte command, byte family, int length)
        => AssertParsesAtEverySplit(Version2(command, family, new byte[length]), null, null);

    [Theory]
    [InlineData(0x11, 0x11, 12)] // version 1 in binary
    [InlineData(0x22, 0x11, 12)] // unknown command
    [InlineData(0x21, 0x41, 12)] // unknown family
    [InlineData(0x21, 0x13, 12)] // unknown transport
    [InlineData(0x21, 0x11, 11)] // too short for its addresses
    [InlineData(0x21, 0x21, 35)]
    [InlineData(0x21, 0x31, 215)]
    [InlineData(0x21, 0x11, 14)] // a TLV without its length
    public void Version2Malformed_IsSaidSo(byte command, byte family, int length)
        => Assert.Equal(ProxyProtocolParseStatus.Malformed, Parse(Version2(command, family, new byte[length])));

    [Fact]
    public void Version2TlvBeyondTheHeader_IsMalformed()
        => Assert.Equal(ProxyProtocolParseStatus.Malformed, Parse(Version2(0x21, 0x11, [.. new byte[12], 0x04, 0, 2, 0])));

    [Fact]
    public void Version2MoreThan4KilobytesOfTlvs_IsOversizedAtOnce()
    {
        Assert.Equal(ProxyProtocolParseStatus.Oversized, Parse([.. Signature, 0x21, 0x11, 0x10, 0x0D])); // 12 + 4097, announced
        Assert.Equal(ProxyProtocolParseStatus.Complete, Parse(Version2(0x21, 0x11, [.. new byte[12], 0x04, 0x0F, 0xFD, .. new byte[4093]])));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void Version2Checksum_IsVerified(byte damage, bool right)
    {
        var header = Version2(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 7, 0xDC, 0x04, 0x01, 0xBB, 0x03, 0, 4, 0, 0, 0, 0, 0x04, 0, 1, 9]);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16 + 12 + 3), Crc32C(header));
        header[16] ^= damage;
        Assert.Equal(right ? ProxyProtocolParseStatus.Complete : ProxyProtocolParseStatus.Malformed, Parse(header));
    }

    [Fact]
    public void ReferenceChecksum_IsCastagnolis() => Assert.Equal(0xE3069283, Crc32C("123456789"u8)); // RFC 3720's check value

    private static byte[] Version2(byte command, byte family, byte[] block)
        => [.. Signature, command, family, (byte)(block.Length >> 8), (byte)block.Length, .. block];

    private static ProxyProtocolParseStatus Parse(byte[] bytes) => ProxyProtocolParser.Parse(bytes, out _, out _);

    private static void AssertParsesAtEverySplit(byte[] header, string? source, string? destination)
    {
        byte[] withData = [.. header, .. "PROXY data\r\n"u8];
        for (var split = 0; split <= header.Length; split++)
        {
            var status = ProxyProtocolParser.Parse(Segment.Sequence(withData[..split], withData[split..]), out var result, out var length);
            Assert.Equal(ProxyProtocolParseStatus.Complete, status);
            Assert.Equal(header.Length, length);
            Assert.Equal(source, result.Source?.ToString());
            Assert.Equal(destination, result.Destination?.ToString());
            if (split < header.Length)
            {
                Assert.Equal(ProxyProtocolParseStatus.Incomplete, Parse(header[..split]));
            }
        }
    }

    private static uint Crc32C(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Sequence(byte[] first, byte[] second)
        {
            var start = new Segment { Memory = first };
            var end = new Segment { Memory = second, RunningIndex = first.Length };
            start.Next = end;
            return new ReadOnlySequence<byte>(start, 0, end, second.Length);
        }
    }
}
