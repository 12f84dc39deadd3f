using PyProxy.Gateway.Listeners.Socks;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Socks;

public sealed class SocksReplyTests
{
    public static TheoryData<string, int> Outcomes => new()
    {
        { nameof(ProxyErrors.NotAllowed), 2 },
        { nameof(ProxyErrors.DestinationProhibited), 2 },
        { nameof(ProxyErrors.AuthenticationRequired), 2 },
        { nameof(ProxyErrors.DestinationUnroutable), 3 },
        { nameof(ProxyErrors.DnsFailure), 4 },
        { nameof(ProxyErrors.DnsTimeout), 4 },
        { nameof(ProxyErrors.ConnectionRefused), 5 },
        { nameof(ProxyErrors.ConnectionTimeout), 6 },
        { nameof(ProxyErrors.TooManyRequests), 1 },
        { nameof(ProxyErrors.Internal), 1 },
    };

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void Error_HasItsReplyCode(string name, int code) => Assert.Equal(code, (int)SocksReply.CodeOf(Error(name)));

    [Fact]
    public void NoNamedError_IsGeneralFailure() => Assert.Equal(SocksReplyCode.GeneralFailure, SocksReply.CodeOf(null));

    private static ProxyError Error(string name) => name switch
    {
        nameof(ProxyErrors.NotAllowed) => ProxyErrors.NotAllowed("no"),
        nameof(ProxyErrors.DestinationProhibited) => ProxyErrors.DestinationProhibited("no", null),
        nameof(ProxyErrors.AuthenticationRequired) => ProxyErrors.AuthenticationRequired(407),
        nameof(ProxyErrors.DestinationUnroutable) => ProxyErrors.DestinationUnroutable("no"),
        nameof(ProxyErrors.DnsFailure) => ProxyErrors.DnsFailure("no"),
        nameof(ProxyErrors.DnsTimeout) => ProxyErrors.DnsTimeout("no"),
        nameof(ProxyErrors.ConnectionRefused) => ProxyErrors.ConnectionRefused("no"),
        nameof(ProxyErrors.ConnectionTimeout) => ProxyErrors.ConnectionTimeout("no"),
        nameof(ProxyErrors.TooManyRequests) => ProxyErrors.TooManyRequests("limit", null),
        nameof(ProxyErrors.Internal) => ProxyErrors.Internal,
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };
}
