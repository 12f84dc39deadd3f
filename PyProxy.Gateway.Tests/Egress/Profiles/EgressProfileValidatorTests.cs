using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Egress.Profiles;

public sealed class EgressProfileValidatorTests
{
    [Theory]
    [InlineData("DefaultProfile", "nowhere", "DefaultProfile")]
    [InlineData("Profiles:direct:AddressFamily", "Any", "Profiles:direct")]
    [InlineData("Profiles:a b:AddressFamily", "Any", "Profiles:a b")]
    [InlineData("Profiles:p:SourceAddresses:0", "0.0.0.0", "Profiles:p:SourceAddresses:0")]
    [InlineData("Profiles:p:Dns:Servers:0", "ns.example", "Profiles:p:Dns:Servers:0")]
    [InlineData("Profiles:p:Dns:Servers:0", "53", "Profiles:p:Dns:Servers:0")]
    [InlineData("Profiles:p:Dns:MaximumTtl", "2.00:00:00", "Profiles:p:Dns:MaximumTtl")]
    [InlineData("Profiles:p:Dns:Hosts:a.example:0", "b.example", "Profiles:p:Dns:Hosts:a.example:0")]
    [InlineData("Profiles:p:Dns:Hosts:10.0.0.1:0", "10.0.0.2", "Profiles:p:Dns:Hosts:10.0.0.1")]
    [InlineData("Profiles:p:Upstreams:MaxAttempts", "2", "Profiles:p:Upstreams:Proxies")]
    [InlineData("Profiles:p:Upstreams:Proxies:a:Address", "ftp://10.0.0.1", "Profiles:p:Upstreams:Proxies:a:Address")]
    [InlineData("Profiles:p:Upstreams:Proxies:a:Address", "http://me:s3cret@10.0.0.1", "Profiles:p:Upstreams:Proxies:a:Address")]
    [InlineData("Profiles:q:Upstreams:AuthoritiesFile", "/does/not/exist.pem", "Profiles:q:Upstreams:AuthoritiesFile")]
    [InlineData("Profiles:q:Upstreams:HealthCheck:Target", "example.org", "Profiles:q:Upstreams:HealthCheck:Target")]
    [InlineData("Profiles:q:Upstreams:HealthCheck:Interval", "00:00:00.001", "Profiles:q:Upstreams:HealthCheck:Interval")]
    [InlineData("Profiles:q:Upstreams:MaxAttempts", "11", "Profiles:q:Upstreams:MaxAttempts")]
    [InlineData("Profiles:q:Upstreams:Proxies:ok:Password", "s3cret", "Profiles:q:Upstreams:Proxies:ok:Password")]
    [InlineData("Profiles:q:Upstreams:Proxies:ok:Weight", "0", "Profiles:q:Upstreams:Proxies:ok:Weight")]
    public void Mistake_IsReportedWithItsPath_AndWithoutSecrets(string key, string value, string path)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Profiles:q:Upstreams:Proxies:ok:Address"] = "socks5://10.0.0.1",
            [key] = value,
        };
        var options = new ConfigurationBuilder().AddInMemoryCollection(settings).Build().Get<EgressOptions>()!;
        var errors = new ConfigurationErrors();

        new EgressOptionsValidator().Validate(options, "Gateway:Egress", errors);

        var error = Assert.Single(errors.All);
        Assert.Equal($"Gateway:Egress:{path}", error.Path);
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
    }
}
