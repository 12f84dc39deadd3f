using PyProxy.Gateway.Commands;

namespace PyProxy.Gateway.Tests.Commands;

public sealed class HealthCommandTests
{
    [Theory]
    [InlineData("http://*:9090", "http://127.0.0.1:9090/")]
    [InlineData("http://0.0.0.0:9090", "http://127.0.0.1:9090/")]
    [InlineData("https://[::]:9443", "https://[::1]:9443/")]
    [InlineData("http://10.1.2.3:9090", "http://10.1.2.3:9090/")]
    public void AdminEndpoint_IsReachedFromThisMachine(string url, string expected)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Kestrel:Endpoints:Web:Url"] = "http://*:8080",
            ["Kestrel:Endpoints:Web:Role"] = "Reverse",
            ["Kestrel:Endpoints:Ops:Url"] = url,
            ["Kestrel:Endpoints:Ops:Role"] = "admin",
        };

        Assert.Equal(new Uri(expected), AdminEndpoint.Address(settings));
    }

    [Theory]
    [InlineData("http://unix:/run/admin.sock", "Admin")]
    [InlineData("http://*:9090", "Reverse")]
    public void NoAdminEndpointOverTcp_GivesNoAddress(string url, string role)
        => Assert.Null(AdminEndpoint.Address(new Dictionary<string, string?>
        {
            ["Kestrel:Endpoints:Ops:Url"] = url,
            ["Kestrel:Endpoints:Ops:Role"] = role,
        }));
}
