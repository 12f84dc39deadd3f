using PyProxy.Gateway.Tests.Listeners;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Tests.Users;

/// <summary>What an unknown name's password is verified against.</summary>
public sealed class BorrowedHashTests
{
    private const string Sha1 = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
    private const string Apr1 = "$apr1$abcdefgh$sxiJQDHAoKt6gC.Z3lBZ41";

    [Fact]
    public void Names_AreOfTheFormsThatTheStoreHas_EachAlwaysOfTheSame()
    {
        var stores = Stores(Hash(Sha1), Hash(Sha1), Hash(Sha1), Hash(Apr1));
        var names = Enumerable.Range(0, 2000).Select(static i => $"nobody{i}").ToList();
        var forms = names.ConvertAll(name => stores.Borrow(name)!.Kind);

        Assert.Equal(forms, names.ConvertAll(name => stores.Borrow(name)!.Kind));
        Assert.InRange(forms.Count(form => form == Hash(Apr1).Kind), 380, 620); // a quarter, by more than five standard deviations
    }

    [Fact]
    public void WithoutChosenPasswords_NothingIsBorrowed() => Assert.Null(Stores().Borrow("nobody"));

    private static PasswordHash Hash(string text)
    {
        Assert.True(PasswordHash.TryParseAny(text, out var hash));
        return hash;
    }

    private static UserStores Stores(params PasswordHash[] hashes)
        => new([new Fixed(hashes)], new StaticOptions<UsersOptions>(new UsersOptions { Stores = [Fixed.StoreName] }), new UserChanges());

    private sealed class Fixed(PasswordHash[] hashes) : IUserStore
    {
        public const string StoreName = "Fixed";

        public string Name => StoreName;

        public IReadOnlyList<PasswordHash> ChosenPasswords => hashes;

        public ValueTask<StoredUser?> FindAsync(string userName, CancellationToken cancellationToken) => default;

        public ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken) => default;
    }
}
