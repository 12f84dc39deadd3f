using System.Text.Json.Nodes;
using PyProxy.Gateway.Admin.Api;

namespace PyProxy.Gateway.Tests.Admin.Api;

public sealed class SecretRedactionTests
{
    [Theory]
    [InlineData("redis:6379,password=hunter2,ssl=true", "redis:6379,password=***,ssl=true")]
    [InlineData("Host=db;Username=gw;Password=hunter2;Database=gw", "Host=db;Username=gw;Password=***;Database=gw")]
    [InlineData("http://bob:hunter2@parent.example:3128/", "http://***@parent.example:3128/")]
    [InlineData("https://lists.example/ads.txt?key=hunter2", "https://lists.example/ads.txt?***")]
    [InlineData("Bearer hunter2", "***")]
    [InlineData("http://10.0.0.1:8080/", "http://10.0.0.1:8080/")]
    [InlineData("20/s burst 100", "20/s burst 100")]
    public void Text_LosesWhatIsSecretInIt(string text, string masked) => Assert.Equal(masked, SecretRedaction.Text(text));

    [Fact]
    public void Section_LosesSecretsByName()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Gateway:Users:Accounts:alice:PasswordHash"] = "hunter2",
            ["Gateway:Users:Accounts:alice:Plan"] = "standard",
            ["Gateway:Users:ApiKeys:0"] = "hunter2",
            ["Gateway:Admin:Tokens:ops:Hash"] = "hunter2",
            ["Gateway:Admin:Tokens:ops:Role"] = "Write",
            ["Kestrel:Endpoints:Web:Certificate:Password"] = "hunter2",
            ["Kestrel:Endpoints:Web:Certificate:KeyPath"] = "/etc/key.pem",
            ["ReverseProxy:Routes:a:Transforms:0:RequestHeader"] = "Authorization",
            ["ReverseProxy:Routes:a:Transforms:0:Set"] = "hunter2",
            ["Gateway:Privacy:RequestFields:Set:X-Api-Key"] = "hunter2",
            ["ReverseProxy:Routes:a:Transforms:1:RequestHeader"] = "X-Team",
            ["ReverseProxy:Routes:a:Transforms:1:Set"] = "blue",
        }).Build();

        var text = string.Concat(configuration.GetChildren().Select(section => SecretRedaction.Section(section)!.ToJsonString()));
        Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
        Assert.All(["standard", "Write", "/etc/key.pem", "blue"], kept => Assert.Contains(kept, text, StringComparison.Ordinal));
    }

    [Fact]
    public void Json_LosesSecretsByName()
        => Assert.Equal(
            """{"name":"bob","passwordHash":"***","more":[{"token":"***"}]}""",
            SecretRedaction.Redact(JsonNode.Parse("""{"name":"bob","passwordHash":"hunter2","more":[{"token":"hunter2"}]}"""))!.ToJsonString());
}
