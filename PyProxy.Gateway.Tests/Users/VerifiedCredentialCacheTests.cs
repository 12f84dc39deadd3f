using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using static PyProxy.Gateway.Users.VerifiedCredentialCache;

namespace PyProxy.Gateway.Tests.Users;

public sealed class VerifiedCredentialCacheTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly Digest Alice = DigestOf(CredentialKind.Password, "alice", "secret");
    private readonly FakeTimeProvider _time = new();
    private readonly KnownUser _alice = new("alice", [], plan: null);

    [Fact]
    public void WhatWasFoundBeforeAChange_IsNotRememberedAfterIt()
    {
        var cache = new VerifiedCredentialCache(_time);
        var before = cache.Changes;
        cache.Forget(new HashSet<string>(StringComparer.Ordinal) { "alice" });
        cache.Remember(Alice, _alice, before, Minute);

        Assert.Null(cache.Find(Alice, Minute));
    }

    [Fact]
    public void Change_ForgetsOnlyWhomItNames()
    {
        var cache = new VerifiedCredentialCache(_time);
        var bob = DigestOf(CredentialKind.Password, "bob", "secret");
        cache.Remember(Alice, _alice, cache.Changes, Minute);
        cache.Remember(bob, new KnownUser("bob", [], plan: null), cache.Changes, Minute);
        cache.Forget(new HashSet<string>(StringComparer.Ordinal) { "alice" });

        Assert.Null(cache.Find(Alice, Minute));
        Assert.NotNull(cache.Find(bob, Minute));
        cache.Forget(userNames: null);
        Assert.Null(cache.Find(bob, Minute));
    }

    [Fact]
    public void Expired_IsOfUseDuringAnOutageOnly()
    {
        var cache = new VerifiedCredentialCache(_time);
        cache.Remember(Alice, _alice, cache.Changes, 15 * Minute);
        _time.Advance(5 * Minute);

        Assert.Null(cache.Find(Alice, Minute));
        Assert.NotNull(cache.Find(Alice, 15 * Minute));
    }

    [Fact]
    public void WhatIsOfNoUseAnyMore_IsSweptAway()
    {
        var cache = new VerifiedCredentialCache(_time);
        cache.Remember(Alice, _alice, cache.Changes, Minute);
        _time.Advance(2 * Minute);
        cache.Remember(DigestOf(CredentialKind.Password, "bob", "x"), new KnownUser("bob", [], plan: null), cache.Changes, Minute);

        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void CredentialsOfDifferentKinds_AreNotTheSame()
    {
        Assert.NotEqual(DigestOf(CredentialKind.Password, "a", "bc"), DigestOf(CredentialKind.Password, "ab", "c"));
        Assert.NotEqual(DigestOf(CredentialKind.Password, "", "key"), DigestOf(CredentialKind.ApiKey, "", "key"));
        Assert.Equal(DigestOf(CredentialKind.Password, "älice", "x"), DigestOf(CredentialKind.Password, "älice"u8, "x"u8));
    }
}
