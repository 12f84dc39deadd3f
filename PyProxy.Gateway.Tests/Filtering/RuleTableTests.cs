using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Filtering;

/// <summary>The rule table: each matcher, through every way in, in a whole gateway. Names below <c>localhost</c> lead to the origin.</summary>
public sealed class RuleTableTests(RuleTableTests.Fixture fixture) : IClassFixture<RuleTableTests.Fixture>
{
    private const string All = "forward connect connect-h2 socks reverse";
    private const string Forward = "forward connect connect-h2 socks";
    private const string WithHead = "forward connect connect-h2 reverse";
    private const string WithPath = "forward reverse";
    private const string None = "";

    /// <summary>A matcher, how it is asked for, and the ways in on which it matches.</summary>
    private static readonly (string Name, string Match, string Path, string Method, string Fields, string? Body, string Ways)[] Rows =
    [
        ("user", """ "Users": [ "alice" ] """, "/", "GET", "", null, Forward),
        ("other-user", """ "Users": [ "bob" ] """, "/", "GET", "", null, None),
        ("not-user", """ "Not": { "Users": [ "bob" ] } """, "/", "GET", "", null, All),
        ("group", """ "Groups": [ "staff" ] """, "/", "GET", "", null, None),
        ("plan", """ "Plans": [ "gold" ] """, "/", "GET", "", null, None),
        ("client", """ "ClientAddresses": [ "127.0.0.0/8" ] """, "/", "GET", "", null, All),
        ("other-client", """ "ClientAddresses": [ "10.0.0.0/8", "::1" ] """, "/", "GET", "", null, None),
        ("endpoint", """ "Endpoints": [ "proxy", "Socks", "h2c" ] """, "/", "GET", "", null, Forward),
        ("way", """ "WaysIn": [ "Reverse", "Socks" ] """, "/", "GET", "", null, "reverse socks"),
        ("scheme", """ "Schemes": [ "HTTP" ] """, "/", "GET", "", null, WithPath),
        ("not-scheme", """ "Not": { "Schemes": [ "https" ] } """, "/", "GET", "", null, WithPath),
        ("method", """ "Methods": [ "GET" ] """, "/", "GET", "", null, WithPath),
        ("tunnel", """ "Methods": [ "CONNECT" ] """, "/", "GET", "", null, "connect connect-h2 socks"),
        ("host-regex", """ "HostRegex": [ "^host-r[aeiou]gex\\." ] """, "/", "GET", "", null, All),
        ("port", """ "Ports": [ "1-65535" ] """, "/", "GET", "", null, All),
        ("other-port", """ "Ports": [ "1", "2-3" ] """, "/", "GET", "", null, None),
        ("path-prefix", """ "Path": { "Prefix": [ "/admin" ] } """, "/%61dmin/x", "GET", "", null, WithPath),
        ("path-slashes", """ "Path": { "Prefix": [ "/admin" ] } """, "//admin/x", "GET", "", null, WithPath),
        ("path-exact", """ "Path": { "Exact": [ "/a" ] } """, "/a/", "GET", "", null, None),
        ("path-glob", """ "Path": { "Glob": [ "/a/*/c", "/x/**" ] } """, "/a/b/c", "GET", "", null, WithPath),
        ("path-glob-segment", """ "Path": { "Glob": [ "/a/*/c" ] } """, "/a/b/b/c", "GET", "", null, None),
        ("path-regex", """ "Path": { "Regex": [ "[.](exe|msi)$" ] } """, "/setup.exe", "GET", "", null, WithPath),
        ("query", """ "Query": { "Glob": [ "**key=*" ] } """, "/?a=b&k%65y=1", "GET", "", null, WithPath),
        ("field", """ "Headers": [ { "Name": "X-Key" } ] """, "/", "GET", "X-Key: 1\r\n", null, WithHead),
        ("field-value", """ "Headers": [ { "Name": "x-key", "Exact": [ "2" ] } ] """, "/", "GET", "X-Key: 1\r\nX-Key: 2\r\n", null, WithHead),
        ("field-prefix", """ "Headers": [ { "Name": "User-Agent", "Prefix": [ "curl/" ] } ] """, "/", "GET", "User-Agent: curl/8\r\n", null, WithHead),
        ("field-regex", """ "Headers": [ { "Name": "User-Agent", "Regex": [ "bot" ] } ] """, "/", "GET", "User-Agent: robots\r\n", null, WithHead),
        ("field-absent", """ "Headers": [ { "Name": "X-Key", "Present": false } ] """, "/", "GET", "", null, WithHead),
        ("body", """ "BodySize": { "Min": 5, "Max": 5 } """, "/", "POST", "", "12345", WithPath),
        ("no-body", """ "BodySize": { "Max": 0 } """, "/", "GET", "", null, WithPath),
        ("large-body", """ "BodySize": { "Min": 6 } """, "/", "POST", "", "12345", None),
        ("address", """ "Addresses": [ "127.0.0.0/8", "::1" ] """, "/", "GET", "", null, Forward),
        ("other-address", """ "Addresses": [ "192.0.2.0/24" ] """, "/", "GET", "", null, None),
        ("not-address", """ "Not": { "Addresses": [ "192.0.2.0/24" ] } """, "/", "GET", "", null, Forward),
        ("address-and-path", """ "Addresses": [ "127.0.0.0/8", "::1" ], "Path": { "Prefix": [ "/x" ] } """, "/x", "GET", "", null, "forward"),
        ("time", """ "Time": { "From": "00:00" } """, "/", "GET", "", null, All),
        ("any", """ "Any": [ { "Users": [ "bob" ] }, { "WaysIn": [ "Connect" ] } ] """, "/", "GET", "", null, "connect connect-h2"),
        ("all", """ "All": [ { "Users": [ "alice" ] }, { "Not": { "WaysIn": [ "Socks" ] } } ] """, "/", "GET", "", null, "forward connect connect-h2"),
        ("nested", """ "Not": { "Any": [ { "WaysIn": [ "Socks" ] }, { "Not": { "ClientAddresses": [ "127.0.0.1" ] } } ] } """, "/", "GET", "", null, WithHead),
        ("suffix", """ "Hosts": [ "*.localhost" ] """, "/", "GET", "", null, All),
    ];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var row in Rows)
            {
                foreach (var way in Asking.EveryWay)
                {
                    cases.Add(row.Name, way);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Matcher_DecidesWhereItIsKnown(string name, string way)
    {
        var row = Array.Find(Rows, row => row.Name == name);
        var answer = await fixture.Gateway.AskAsync(
            way, $"{name}.localhost:{fixture.Origin.Address.Port}", row.Path, row.Method, row.Fields, row.Body);

        var matches = row.Ways.Split(' ').Contains(way, StringComparer.Ordinal);
        Assert.Equal(matches ? 403 : 200, answer.Status);
        if (matches && way != "socks")
        {
            Assert.Contains($"\"decidedBy\":\"{name}\"", answer.Body, StringComparison.Ordinal);
        }
    }

    public sealed class Fixture : IAsyncLifetime
    {
        internal OriginServer Origin { get; private set; } = null!;

        internal GatewayServer Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Origin = await OriginServer.StartAsync();
            var rules = Rows.Select(row =>
                $$"""{ "Name": "{{row.Name}}", "Match": { "All": [ { "Hosts": [ "{{row.Name}}.localhost" ] }, { {{row.Match}} } ] }, "Action": "Deny" }""");
            Gateway = await GatewayServer.StartAsync(Origin.Address, $$"""
                "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
                "Plans": { "gold": {} },
                "Filtering": { "Rules": [ {{string.Join(",\n", rules)}} ] }
                """);
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await Origin.DisposeAsync();
        }
    }
}
