using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class HappyEyeballsTests
{
    private const string V6A = "2606:4700::1";
    private const string V6B = "2606:4700::2";
    private const string V4A = "93.184.215.14";
    private const string V4B = "93.184.215.15";

    [Theory]
    [InlineData("a b c d", "a b c d")]
    [InlineData("A B a b", "A a B b")]
    [InlineData("a b A", "a A b")]
    [InlineData("A a b c", "A a b c")]
    [InlineData("A", "A")]
    [InlineData("", "")]
    public void Families_Alternate_BeginningWithTheFirst(string answered, string expected)
        => Assert.Equal(EndPoints(expected), HappyEyeballs.Interleave(EndPoints(answered)));

    [Fact]
    public async Task FirstAddressRefuses_TheNextIsTriedAtOnce()
    {
        using var origin = new Origin();
        await using var egress = Create(origin, V6A, V4A);
        egress.Connector.Fail(V6A, SocketError.ConnectionRefused);

        await using var connection = await egress.ConnectAsync("two.example:80"); // the fake clock stands still

        Assert.Equal(IPAddress.Parse(V4A), connection.RemoteEndPoint.Address);
        Assert.Equal([V6A, V4A], egress.Connector.Dialed.Select(e => e.Address.ToString()), StringComparer.Ordinal);
    }

    [Fact]
    public async Task FirstAddressIsSilent_TheNextIsTriedAfterTheDelay_AndTheSilentAttemptIsEnded()
    {
        using var origin = new Origin();
        await using var egress = Create(origin, V6A, V6B, V4A);
        egress.Connector.Silent(V6A);

        var connecting = egress.ConnectAsync("two.example:80");
        await egress.Connector.NextDialAsync();
        egress.Time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.Single(egress.Connector.Dialed);
        egress.Time.Advance(TimeSpan.FromMilliseconds(1));

        await using var connection = await connecting;
        Assert.Equal(IPAddress.Parse(V4A), connection.RemoteEndPoint.Address);
        Assert.Equal([IPAddress.Parse(V6A)], egress.Connector.Ended);
        Assert.Equal(2, egress.Connector.Dialed.Count);
    }

    [Fact]
    public async Task AllAddressesFail_TheMostTellingFailureIsReported()
    {
        await using var egress = Create(null, V6A, V4A, V4B);
        egress.Connector
            .Fail(V6A, SocketError.NetworkUnreachable)
            .Fail(V4A, SocketError.ConnectionRefused)
            .Fail(V4B, SocketError.HostUnreachable);

        var error = await egress.FailAsync("two.example:80");

        Assert.Equal("connection_refused", error.Token);
    }

    [Fact]
    public async Task CallerLeaves_EveryAttemptIsEnded()
    {
        await using var egress = Create(null, V6A, V4A);
        egress.Connector.Silent(V6A).Silent(V4A);
        using var leaving = new CancellationTokenSource();

        var connecting = egress.Dialer.ConnectAsync(new("two.example", 80), DialPurpose.Forward, leaving.Token).AsTask();
        await egress.Connector.NextDialAsync();
        egress.Time.Advance(TimeSpan.FromMilliseconds(250));
        await egress.Connector.NextDialAsync();
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(2, egress.Connector.Ended.Count);
    }

    [Fact]
    public async Task NameServerThatAnswersWithVeryManyAddresses_DoesNotMakeAScanner()
    {
        await using var egress = Create(null, [.. Enumerable.Range(1, 200).Select(i => $"93.184.216.{i}")]);
        foreach (var i in Enumerable.Range(1, 200))
        {
            egress.Connector.Fail($"93.184.216.{i}", SocketError.ConnectionRefused);
        }

        await egress.FailAsync("two.example:80");

        Assert.Equal(16, egress.Connector.Dialed.Count);
    }

    private static EgressFixture Create(Origin? origin, params string[] addresses)
    {
        var egress = new EgressFixture([EgressFixture.NoRetry]);
        egress.Connector.Destination = origin?.EndPoint;
        egress.Resolver.Answer("two.example", addresses);
        return egress;
    }

    // Capital letters are IPv6.
    private static IPEndPoint[] EndPoints(string letters)
        => [.. letters.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(l =>
            new IPEndPoint(char.IsUpper(l[0]) ? IPAddress.Parse($"2606:4700::{l}") : IPAddress.Parse($"93.184.215.{(int)l[0]}"), 80))];
}
