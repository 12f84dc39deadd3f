using System.Diagnostics;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Users;

public sealed class PasswordFormsTests
{
    // Made by others: argon2 (reference implementation), htpasswd of apache2-utils, openssl passwd -apr1.
    [Theory]
    [InlineData("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password")]
    [InlineData("$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC", "myPassword")]
    [InlineData("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "myPassword")]
    [InlineData("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "myPassword")]
    public void HashesThatOthersMade_AreVerified(string text, string password)
    {
        Assert.True(PasswordHash.TryParseAny(text, out var hash));
        Assert.True(hash.Verify(password));
        Assert.False(hash.Verify(password + "x"));
        Assert.False(hash.Verify(""));
        Assert.Equal(text, hash.ToString());
    }

    [Theory]
    [InlineData("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/")]
    [InlineData("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=")]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("$2y$99$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC")]
    [InlineData("$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")]
    [InlineData("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$")]
    [InlineData("$hmac-sha256$AAAA$AAAA")]
    public void WeakOrAbsurdHashes_AreNotForConfigurations(string text) => Assert.False(PasswordHash.TryParse(text, out _));

    [Fact]
    public void Argon2id_ComesBack()
    {
        var hash = Argon2idHash.Create("pass:wörd", memoryKiB: 8192, passes: 1);
        Assert.True(PasswordHash.TryParse(hash.ToString(), out var parsed));
        Assert.True(parsed.Verify("pass:wörd"));
        Assert.False(parsed.Verify("pass:word"));
    }

    [Fact]
    public void GeneratedCredential_HasMoreThan128BitsAndIsVerifiedInMicroseconds()
    {
        var password = GeneratedCredential.NewPassword();
        var hash = KeyedHash.CreateGenerated(password);

        Assert.True(password.Length * Math.Log2(62) > 128);
        Assert.True(PasswordHash.TryParse(hash.ToString(), out var parsed));
        Assert.True(parsed is { IsFast: true } && parsed.Verify(password) && !parsed.Verify(GeneratedCredential.NewPassword()));
    }

    [Fact]
    public void ApiKey_NamesItsId()
    {
        var (id, key) = GeneratedCredential.NewApiKey();
        Assert.Equal(id, GeneratedCredential.IdOf(key));
        Assert.Null(GeneratedCredential.IdOf(key + "x"));
        Assert.Null(GeneratedCredential.IdOf("pxk_"));
    }

    [Fact]
    public void Weaker_IsWhatCostsAGuesserLess()
    {
        var pbkdf2 = new PasswordHashingOptions();
        var argon2 = new PasswordHashingOptions { Algorithm = PasswordAlgorithm.Argon2id };
        Assert.True(PasswordHash.TryParseAny("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", out var sha));

        Assert.True(PasswordHashing.IsWeaker(sha, pbkdf2));
        Assert.True(PasswordHashing.IsWeaker(Pbkdf2Hash.Create("x", 10_000), pbkdf2));
        Assert.True(PasswordHashing.IsWeaker(PasswordHash.Create("x"), argon2));
        Assert.False(PasswordHashing.IsWeaker(PasswordHash.Create("x"), pbkdf2));
        Assert.False(PasswordHashing.IsWeaker(Argon2idHash.Create("x", 19_456, 2), pbkdf2));
        Assert.False(PasswordHashing.IsWeaker(KeyedHash.CreateGenerated("x"), argon2));
    }

    [Fact]
    public async Task FullQueue_RefusesAtOnce_AndAnswersAgainLater()
    {
        using var threads = new PasswordThreads();
        using var gate = new ManualResetEventSlim();
        List<Task> running = [];
        var refused = Stopwatch.StartNew();
        while (TryRun())
        {
            Assert.True(refused.Elapsed < TimeSpan.FromSeconds(10));
        }

        gate.Set();
        await Task.WhenAll(running).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        bool TryRun()
        {
            try
            {
                running.Add(threads.RunAsync(
                    () =>
                    {
                        gate.Wait();
                        return true;
                    },
                    CancellationToken.None));
                return true;
            }
            catch (Gateway.Traffic.ProxyException e)
            {
                Assert.Equal(503, e.Error.Status);
                return false;
            }
        }
    }
}
