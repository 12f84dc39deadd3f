using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Users;

public sealed class UsersOptionsValidatorTests
{
    [Fact]
    public void EveryMistake_IsReportedWithItsPath()
    {
        var options = new UsersOptions
        {
            Stores = ["Configuration", "Ldap"],
            Realm = "a \"quoted\" realm",
            CredentialCacheDuration = TimeSpan.FromHours(2),
            Accounts = new Dictionary<string, AccountOptions>(StringComparer.Ordinal)
            {
                ["clear"] = new() { PasswordHash = "hunter2" },
                ["none"] = new(),
                ["co:lon"] = new() { PasswordHash = PasswordHash.Create("x").ToString(), Groups = [""], Plan = " " },
            },
        };
        var errors = new ConfigurationErrors();
        new UsersOptionsValidator().Validate(options, "Gateway:Users", errors);

        Assert.Equal(
            [
                "Gateway:Users:Stores:1", "Gateway:Users:Realm", "Gateway:Users:CredentialCacheDuration",
                "Gateway:Users:Accounts:clear:PasswordHash", "Gateway:Users:Accounts:none:PasswordHash", "Gateway:Users:Accounts:co:lon",
                "Gateway:Users:Accounts:co:lon:Groups:0", "Gateway:Users:Accounts:co:lon:Plan",
            ],
            errors.All.Select(e => e.Path), StringComparer.Ordinal);
        var clear = errors.All.Single(e => e.Path.Contains("clear", StringComparison.Ordinal));
        Assert.Contains("PyProxy.Gateway hash", clear.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", clear.Message, StringComparison.Ordinal);
    }
}
