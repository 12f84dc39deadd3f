using System.Net;
using System.Text;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

public sealed class ListFormatTests
{
    [Theory]
    [InlineData("example.com", true)]
    [InlineData("www.example.com", true)]
    [InlineData("a.b.example.com", true)]
    [InlineData("notexample.com", false)]
    [InlineData("com", false)]
    [InlineData("example.com.evil", false)]
    [InlineData("below.org", false)]
    [InlineData("x.below.org", true)]
    [InlineData("dotted.net", true)]
    [InlineData("x.dotted.net", true)]
    [InlineData("192.0.2.1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("xn--mnchen-3ya.example", true)]
    [InlineData("upper.example", true)]
    [InlineData("trailing.example", true)]
    public async Task Domains_CoverThemselvesAndWhatIsBelow(string host, bool listed)
    {
        var list = await ReadAsync(ListFormat.Domains, """
            # a comment
            example.com
            *.below.org   # only below
            .dotted.net
            192.0.2.1
            2001:DB8:0::1
            münchen.example
            UPPER.Example
            trailing.example.
            """);

        Assert.Equal(listed, list.ContainsHost(host));
        Assert.Equal(0, list.Summary.Invalid);
    }

    [Fact]
    public async Task DomainsWithoutSubdomains_CoverThemselvesOnly()
    {
        var list = await ReadAsync(new ListOptions { Format = ListFormat.Domains, Subdomains = false }, "example.com");

        Assert.True(list.ContainsHost("example.com"));
        Assert.False(list.ContainsHost("www.example.com"));
    }

    [Theory]
    [InlineData("ads.example.com", true)]
    [InlineData("second.example", true)]
    [InlineData("www.ads.example.com", false)]
    [InlineData("v6.example", true)]
    [InlineData("localhost", false)]
    [InlineData("server.example", false)]
    public async Task Hosts_CoverThemselvesOnly(string host, bool listed)
    {
        var list = await ReadAsync(ListFormat.Hosts, """
            127.0.0.1 localhost localhost.localdomain
            255.255.255.255 broadcasthost
            ff02::1 ip6-allnodes
            0.0.0.0 0.0.0.0
            0.0.0.0 ads.example.com second.example # two
            :: v6.example
            10.1.2.3 server.example
            """);

        Assert.Equal(listed, list.ContainsHost(host));
        Assert.Equal([new LeftOutLine(7, IsUnsupported: true)], list.Summary.FirstLeftOut);
    }

    [Theory]
    [InlineData("example.com", true)]
    [InlineData("www.example.com", true)]
    [InlineData("ok.example.com", false)]
    [InlineData("deep.ok.example.com", false)]
    [InlineData("below.org", false)]
    [InlineData("x.below.org", true)]
    [InlineData("third.example", false)]
    [InlineData("path.example", false)]
    public async Task AdBlock_ExceptionsHoldAgainstEveryRule(string host, bool listed)
    {
        var list = await ReadAsync(ListFormat.AdBlock, """
            [Adblock Plus 2.0]
            ! Title: a list
            ||example.com^
            @@||ok.example.com^
            ||deep.ok.example.com^
            ||*.below.org^
            ||third.example^$third-party
            ||path.example^/ads/
            example.net##.banner
            /banner/*/img^
            """);

        Assert.Equal(listed, list.ContainsHost(host));
        Assert.Equal(4, list.Summary.Unsupported);
        Assert.Equal([7L, 8, 9, 10], list.Summary.FirstLeftOut.Select(line => line.Number));
    }

    [Theory]
    [InlineData("nx.example.com", true)]
    [InlineData("www.nx.example.com", false)]
    [InlineData("wild.example", false)]
    [InlineData("a.wild.example", true)]
    [InlineData("ok.wild.example", false)]
    [InlineData("a.ok.wild.example", true)]
    [InlineData("dropped.example", true)]
    [InlineData("garden.example", true)]
    [InlineData("address.example", true)]
    [InlineData("absolute.example", true)]
    [InlineData("self.example", false)]
    [InlineData("tcp.example", false)]
    public async Task Rpz_ClosestEntryDecides(string host, bool listed)
    {
        var list = await ReadAsync(ListFormat.Rpz, """
            $TTL 300
            $ORIGIN rpz.example.
            @ IN SOA localhost. root.localhost. (
                1 ; serial
                3600 600 86400 300 )
              IN NS localhost.
            nx.example.com CNAME .
            *.wild.example 300 IN CNAME *.
            ok.wild.example CNAME rpz-passthru.
            dropped.example IN CNAME rpz-drop.
            garden.example CNAME walled.garden.net.
            address.example A 0.0.0.0
                            AAAA ::
            absolute.example.rpz.example. CNAME .
            self.example CNAME self.example.
            tcp.example CNAME rpz-tcp-only.
            32.1.2.0.192.rpz-ip CNAME .
            text.example TXT "a ; b ("
            """);

        Assert.Equal(listed, list.ContainsHost(host));
        Assert.Equal([16L, 17, 18], list.Summary.FirstLeftOut.Select(line => line.Number));
        Assert.Equal(0, list.Summary.Invalid);
    }

    [Theory]
    [InlineData("192.0.2.0", true)]
    [InlineData("192.0.2.255", true)]
    [InlineData("192.0.3.0", false)]
    [InlineData("198.51.100.7", true)]
    [InlineData("198.51.100.8", false)]
    [InlineData("255.255.255.255", true)]
    [InlineData("2001:db8::ffff", true)]
    [InlineData("2001:db9::", false)]
    [InlineData("::ffff:192.0.2.1", true)]
    public async Task Cidr_CoversRangesInBothSpellings(string address, bool listed)
    {
        var list = await ReadAsync(ListFormat.Cidr, """
            ; a comment
            192.0.2.0/25 ; SBL1
            192.0.2.128/25
            198.51.100.7
            255.255.255.255/32
            2001:db8::/32 # v6
            """);

        Assert.Equal(listed, list.ContainsAddress(IPAddress.Parse(address)));
        Assert.Equal(4, list.Summary.Entries); // two of them touch
    }

    [Fact]
    public async Task CidrList_CoversHostsThatAreAddresses()
    {
        var list = await ReadAsync(ListFormat.Cidr, "192.0.2.0/24");

        Assert.True(list.ContainsHost("192.0.2.9"));
        Assert.False(list.ContainsHost("example.com"));
    }

    /// <summary>The quick way for names that are canonical already must agree with the parser that hosts of exchanges go through.</summary>
    [Theory]
    [InlineData("example.com")]
    [InlineData("EXAMPLE.com.")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("-a_b-.c")]
    [InlineData("1.2.3.4")]
    [InlineData("0x7f.1")]
    [InlineData("2130706433")]
    [InlineData("example.123")]
    [InlineData("bücher.example")]
    [InlineData("example。com")]
    [InlineData("ex ample.com")]
    [InlineData("example.com:443")]
    [InlineData("http://example.com/")]
    [InlineData("xn--mnchen-3ya.de")]
    public async Task Name_IsListedAsHostsAreSpelled(string text)
    {
        var isHost = HostPort.TryCanonicalizeHost(text, out var canonical);
        var list = await ReadAsync(new ListOptions { Format = ListFormat.Domains, Subdomains = false, MinEntries = 0 }, "ok.example\nok2.example\n" + text);

        Assert.Equal(isHost && !text.StartsWith('.') ? 0 : text.StartsWith('.') ? 0 : 1, list.Summary.Invalid);
        if (isHost)
        {
            Assert.True(list.ContainsHost(canonical!));
        }
    }

    [Fact]
    public async Task LineEndings_AndByteOrderMark_AreNoPartOfNames()
    {
        var list = await ReadAsync(ListFormat.Domains, "\uFEFFfirst.example\r\nsecond.example\r\n\r\nlast.example");

        Assert.True(list.ContainsHost("first.example"));
        Assert.True(list.ContainsHost("second.example"));
        Assert.True(list.ContainsHost("last.example"));
        Assert.Equal(3, list.Summary.Entries);
    }

    private static Task<LoadedList> ReadAsync(ListFormat format, string text) => ReadAsync(new ListOptions { Format = format }, text);

    private static Task<LoadedList> ReadAsync(ListOptions options, string text)
        => ListReader.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), options, TestContext.Current.CancellationToken);
}
