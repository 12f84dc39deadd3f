using System.Text;
using PyProxy.Gateway.Listeners.Connect;

namespace PyProxy.Gateway.Tests.Listeners.Connect;

public sealed class ConnectHeadTests
{
    [Theory]
    [InlineData("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")]
    [InlineData("CONNECT A.example:443 HTTP/1.1\r\nX: 1\r\nhost:proxy:3128 \t\r\nY: 2\r\n\r\n", "CONNECT A.example:443 HTTP/1.1\r\nX: 1\r\nhost:A.example:443 \t\r\nY: 2\r\n\r\n")]
    [InlineData("CONNECT a.example:443 HTTP/1.0\r\nHost: a.example\r\n\r\n", "CONNECT a.example:443 HTTP/1.0\r\nHost: a.example:443\r\n\r\n")]
    [InlineData("CONNECT [::1]:443 HTTP/1.1\r\nHost: \r\n\r\n", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost:\r\nX:\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost:a:1\r\nX:\r\n\r\n")]
    public void HostThatDiffers_IsMadeTheTarget(string head, string expected) => Assert.Equal(expected, Rewrite(head));

    [Theory]
    [InlineData("a_b:1")]
    [InlineData("c")]
    public void TargetThatKestrelRefuses_IsHidden(string host)
    {
        var rewritten = ConnectHead.Rewrite(Encoding.Latin1.GetBytes($"CONNECT a_b:1 HTTP/1.1\r\nX: a_b:1\r\nHost: {host}\r\n\r\n"), out var hidden);

        Assert.Equal("a_b:1", hidden);
        Assert.Equal(
            $"CONNECT {ConnectHead.StandIn} HTTP/1.1\r\nX: a_b:1\r\nHost: {ConnectHead.StandIn}\r\n\r\n", Encoding.Latin1.GetString(rewritten!));
    }

    [Theory]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")] // right already
    [InlineData("CONNECT a:1 HTTP/1.0\r\n\r\n")] // HTTP/1.0 needs none
    [InlineData("CONNECT a:1 HTTP/1.1\r\n\r\n")] // none: Kestrel's 400
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n")] // two: Kestrel's 400
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b/c\r\n\r\n")] // not a host: Kestrel's 400
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b, c\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: u@b\r\n\r\n")]
    [InlineData("CONNECT a HTTP/1.1\r\nHost: b\r\n\r\n")] // no port
    [InlineData("CONNECT a:0 HTTP/1.1\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT http://a/ HTTP/1.1\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT / HTTP/1.1\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT  a:1 HTTP/1.1\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT a:1  HTTP/1.1\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/2.0\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT a:1\r\nHost: b\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\n\r\n")] // framing is Kestrel's
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\ntransfer-encoding: chunked\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\n folded\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost : b\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\nX\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\n: x\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\nX: a\0b\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\nX: a\rb\r\n\r\n")]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: b\r\nX: a\nb: c\r\n\r\n")]
    public void AnythingElse_IsLeftToKestrel(string head) => Assert.Null(Rewrite(head));

    private static string? Rewrite(string head)
        => ConnectHead.Rewrite(Encoding.Latin1.GetBytes(head), out _) is { } rewritten ? Encoding.Latin1.GetString(rewritten) : null;
}
