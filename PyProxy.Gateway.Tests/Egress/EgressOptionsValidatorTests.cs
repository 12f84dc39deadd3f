using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class EgressOptionsValidatorTests
{
    [Fact]
    public async Task Defaults_AreValid() => Assert.Empty(await ValidateAsync());

    [Fact]
    public async Task EveryMistake_IsReportedByItsPath()
    {
        var errors = await ValidateAsync(
            ("AllowedAddresses:0", "10.2.0.0/16"),
            ("AllowedAddresses:1", "10.2.3.4/16"),
            ("DeniedAddresses:0", "example.org"),
            ("ConnectPorts:0", "443"),
            ("ConnectPorts:1", "0"),
            ("ConnectPorts:2", "https"),
            ("ConnectTimeout", "00:00:00"),
            ("HappyEyeballsDelay", "00:00:05"),
            ("SourceAddress", "0.0.0.0"),
            ("PooledConnectionLifetime", "00:00:00"),
            ("PooledConnectionIdleTimeout", "2.00:00:00"),
            ("Dns:CacheDuration", "-00:00:01"),
            ("Dns:NegativeCacheDuration", "01:00:00"),
            ("Dns:CacheSize", "0"),
            ("Dns:Timeout", "00:02:00"));

        string[] expected =
        [
            "AllowedAddresses:1", "DeniedAddresses:0", "ConnectPorts:1", "ConnectPorts:2", "SourceAddress", "ConnectTimeout", "HappyEyeballsDelay",
            "PooledConnectionLifetime", "PooledConnectionIdleTimeout", "Dns:CacheDuration", "Dns:NegativeCacheDuration", "Dns:Timeout", "Dns:CacheSize",
        ];
        Assert.Equal(expected.Select(p => $"Gateway:Egress:{p}"), errors.Select(e => e.Path), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(null, 443, true)]
    [InlineData(null, 80, true)]
    [InlineData(null, 8080, true)]
    [InlineData(null, 8443, true)]
    [InlineData(null, 25, false)]
    [InlineData("22", 22, true)]
    [InlineData("22", 443, false)]
    [InlineData("*", 25, true)]
    [InlineData("", 443, false)]
    public void TunnelPort_FollowsTheList(string? entry, int port, bool expected)
    {
        var policy = new ConnectPortPolicy(entry is null ? null : entry.Length == 0 ? [] : [entry]);

        Assert.Equal(expected, policy.Allows(new HostPort("example.org", port), out var refusal));

        Assert.Equal(expected, refusal is null);
        if (refusal is not null)
        {
            Assert.Equal(403, refusal.Status);
            Assert.Equal("Gateway:Egress:ConnectPorts", refusal.Setting);
        }
    }

    [Fact]
    public void ConfiguredPorts_ReplaceTheDefault()
    {
        var options = Configuration(("ConnectPorts:0", "22")).GetSection(EgressOptions.SectionPath).Get<EgressOptions>()!;

        Assert.Equal("22", Assert.Single(options.ConnectPorts!));
    }

    private static async Task<IReadOnlyList<ConfigurationError>> ValidateAsync(params (string Key, string Value)[] settings)
    {
        var errors = new ConfigurationErrors();
        await new ConfigurationSection<EgressOptions, EgressOptionsValidator>(EgressOptions.SectionPath).ValidateAsync(Configuration(settings), errors);
        return errors.All;
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] settings)
        => new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => new KeyValuePair<string, string?>($"Gateway:Egress:{s.Key}", s.Value)))
            .Build();
}
