using PyProxy.Gateway.Users.Import;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Users;

public sealed class UserImportReaderTests
{
    private static readonly string Hash = KeyedHash.CreateGenerated("x").ToString();

    [Fact]
    public void Csv_IsReadByItsHeading()
    {
        var lines = Csv("Name, groups,plan,password,disabled", "alice,staff;admins,gold,\"a,\"\"b\"\"\",false", "", "bob,,,,yes");

        var alice = lines[0];
        Assert.Equal((2, "alice", "gold", "a,\"b\""), (alice.Number, alice.User!.Name, alice.User.Plan, alice.ClearPassword));
        Assert.Equal(["staff", "admins"], alice.User.Groups);
        Assert.Equal((4, "bob", null, true), (lines[1].Number, lines[1].User!.Name, lines[1].User!.Plan, lines[1].User!.Disabled));
        Assert.Null(lines[1].ClearPassword);
    }

    [Theory]
    [InlineData("al:ice,,", "a user's name")]
    [InlineData(",,", "a user's name")]
    [InlineData("alice,hunter2,hunter2", "a password and a hash")]
    [InlineData("alice,,hunter2", "no form that is accepted")]
    [InlineData("alice,\"hunter2", "does not end")]
    [InlineData("alice", "1 fields where the heading has 3")]
    [InlineData("known,,", "stands in line 2 already")]
    public void BadLine_IsNamedWithoutItsText_AndSpoilsNoOther(string bad, string mistake)
    {
        var lines = Csv("name,password,password_hash", "known,,", bad, "later,," + Hash);

        Assert.Equal([null, 3, null], lines.Select(l => l.Mistake is null ? (int?)null : l.Number));
        Assert.Contains(mistake, lines[1].Mistake, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", lines[1].Mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice,hunter2")]
    [InlineData("password,groups")]
    [InlineData("name,name")]
    public void FileWithoutHeading_IsRefusedWhole(string first)
    {
        var line = Assert.Single(Csv(first, "bob,x"));
        Assert.NotNull(line.Mistake);
        Assert.DoesNotContain("hunter2", line.Mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void Htpasswd_NamesWhatIsNotAccepted()
    {
        var lines = new UserImportReader(_ => null, _ => null).ReadHtpasswd(
        [
            "# users", "apr:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "", "sha:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=:more", "des:rqXexS6ZhobKA",
            "sixth:$6$salt$abc", "clear:hunter2", "nonsense",
        ]).ToList();

        Assert.Equal(["apr", "sha"], lines.Where(l => l.User is not null).Select(l => l.User!.Name));
        Assert.Equal([5, 6, 7, 8], lines.Where(l => l.Mistake is not null).Select(l => l.Number));
        Assert.DoesNotContain(lines, l => l.Mistake?.Contains("hunter2", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void UnknownPlan_IsAMistake()
    {
        var line = Assert.Single(new UserImportReader(plan => $"there is no plan '{plan}'", _ => null).ReadCsv(["name,plan", "alice,gold"]));
        Assert.Equal("there is no plan 'gold'", line.Mistake);
    }

    private static List<UserImportLine> Csv(params string[] lines) => [.. new UserImportReader(_ => null, _ => null).ReadCsv(lines)];
}
