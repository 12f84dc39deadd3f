using System.Text.Json;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Explain;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Tests.Admin;
using PyProxy.Gateway.Tests.Filtering;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Explain;

/// <summary>
/// The same questions to traffic, through real ways in, and to explain, both in the running gateway (by its admin API) and in one that is only built
/// (as the command does): verdict and rule have to agree.
/// </summary>
public sealed class ExplainedTrafficTests(ExplainedTrafficTests.Fixture fixture) : IClassFixture<ExplainedTrafficTests.Fixture>
{
    /// <summary>A rule about the host <c>NAME-WAY.localhost</c>, and how that host is asked for.</summary>
    private static readonly (string Name, string Match, string Action, string Path, string Method, string Fields, string? Body)[] Rows =
    [
        ("none", """ "Hosts": [ "elsewhere.example" ] """, "Deny", "/", "GET", "", null),
        ("denied", "", "Deny", "/", "GET", "", null),
        ("allowed", "", "Allow", "/", "GET", "", null),
        ("shut", "", "Close", "/", "GET", "", null),
        ("moved", "", """Redirect", "Location": "https://intranet.example/why", "Status": 307, "Name": "moved""", "/", "GET", "", null),
        ("rewritten", """ "Path": { "Prefix": [ "/old" ] } """, """Rewrite", "To": { "Path": "/new" }, "Name": "rewritten""", "/old?x=1", "GET", "", null),
        ("reported", "", """Deny", "Mode": "ReportOnly", "Name": "reported""", "/", "GET", "", null),
        ("tagged", "", """Tag", "Tag": "seen", "Name": "tagged""", "/", "GET", "", null),
        ("user", """ "Users": [ "alice" ] """, "Deny", "/", "GET", "", null),
        ("group", """ "Groups": [ "staff" ] """, "Deny", "/", "GET", "", null),
        ("no-group", """ "Groups": [ "guests" ] """, "Deny", "/", "GET", "", null),
        ("plan", """ "Plans": [ "gold" ] """, "Deny", "/", "GET", "", null),
        ("client", """ "ClientAddresses": [ "127.0.0.0/8" ] """, "Deny", "/", "GET", "", null),
        ("endpoint", """ "Endpoints": [ "Proxy" ] """, "Deny", "/", "GET", "", null),
        ("way", """ "WaysIn": [ "Socks", "Reverse" ] """, "Deny", "/", "GET", "", null),
        ("scheme", """ "Not": { "Schemes": [ "https" ] } """, "Deny", "/", "GET", "", null),
        ("method", """ "Methods": [ "POST", "CONNECT" ] """, "Deny", "/", "POST", "", "12345"),
        ("port", """ "Not": { "Ports": [ "1-1023" ] } """, "Deny", "/", "GET", "", null),
        ("path", """ "Path": { "Glob": [ "/a/*/c" ] } """, "Deny", "/%61//b/c", "GET", "", null),
        ("dots", """ "Path": { "Prefix": [ "/x" ] } """, "Deny", "/a/../x", "GET", "", null),
        ("query", """ "Query": { "Regex": [ "(^|&)key=" ] } """, "Deny", "/?a=1&k%65y=2", "GET", "", null),
        ("field", """ "Headers": [ { "Name": "X-Key", "Exact": [ "1" ] } ] """, "Deny", "/", "GET", "X-Key: 1\r\n", null),
        ("body", """ "BodySize": { "Min": 5 } """, "Deny", "/", "POST", "", "12345"),
        ("no-body", """ "BodySize": { "Min": 1 } """, "Deny", "/", "GET", "", null),
        ("time", """ "Time": { "From": "00:00" } """, "Deny", "/", "GET", "", null),
        ("list", """ "HostLists": [ "ads" ] """, "Deny", "/", "GET", "", null),
        ("address", """ "Addresses": [ "127.0.0.0/8", "::1" ] """, "Deny", "/", "GET", "", null),
        ("address-and-path", """ "Addresses": [ "127.0.0.0/8", "::1" ], "Path": { "Prefix": [ "/x" ] } """, "Deny", "/x", "GET", "", null),
        ("other-address", """ "Addresses": [ "192.0.2.0/24" ] """, "Deny", "/", "GET", "", null),
        ("any", """ "Any": [ { "Users": [ "bob" ] }, { "WaysIn": [ "Forward", "Socks" ] } ] """, "Deny", "/", "GET", "", null),
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

            cases.Add("no-port", "connect");
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Explanation_SaysWhatTrafficGets(string name, string way)
    {
        var (live, byAdmin, built) = fixture.Answers[(name, way)];

        Assert.Equal(live, byAdmin);
        Assert.Equal(live, built);
    }

    [Fact]
    public void Question_CountsNothing() => Assert.Equal(fixture.HitsBeforeQuestions, fixture.HitsAfterQuestions);

    /// <summary>Verdict and rule, as the three tell it.</summary>
    public sealed record Told(string Verdict, string? Rule);

    public sealed class Fixture : IAsyncLifetime
    {
        private OriginServer _origin = null!;
        private TemporaryDirectory _directory = null!;

        public Dictionary<(string Name, string Way), (Told Live, Told ByAdmin, Told Built)> Answers { get; } = [];

        public string HitsBeforeQuestions { get; private set; } = "";

        public string HitsAfterQuestions { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            _origin = await OriginServer.StartAsync();
            _directory = new TemporaryDirectory("explain");
            var list = Path.Combine(_directory.Path, "ads.txt");
            await File.WriteAllTextAsync(list, "list-forward.localhost\nlist-connect-h2.localhost\nlist-reverse.localhost\nlist-socks.localhost\n", TestContext.Current.CancellationToken);
            await using var gateway = await GatewayServer.StartAsync(_origin.Address, Section(list), text => text.Replace(
                "\"alice\": {", """ "alice": { "Groups": [ "staff" ], "Plan": "gold",""", StringComparison.Ordinal));

            // 1. Traffic
            var asked = Rows.SelectMany(static row => Asking.EveryWay, static (row, way) => (row.Name, way)).Append(("no-port", "connect")).ToList();
            var statuses = new Dictionary<(string, string), int>();
            foreach (var (name, way) in asked)
            {
                var row = Array.Find(Rows, row => row.Name == name);
                statuses[(name, way)] = (await gateway.AskAsync(way, Host(name, way), row.Path ?? "/", row.Method ?? "GET", row.Fields ?? "", row.Body)).Status;
            }

            // 2. The same questions without traffic
            await using var built = await BuildAsync(gateway.ConfigurationPath);
            using var admin = new AdminClient(gateway);
            HitsBeforeQuestions = (await admin.GetAsync("/rules")).ToJsonString();
            var told = new Dictionary<(string, string), (Told, Told)>();
            foreach (var (name, way) in asked)
            {
                var question = Ask(name, way);
                var (_, body) = await admin.SendAsync(HttpMethod.Post, "/explain", JsonSerializer.Serialize(question, ExplanationJson.Options));
                var byAdmin = body.Deserialize<Explanation>(ExplanationJson.Options)!;
                var byBuilt = await built.Services.GetRequiredService<Explainer>().ExplainAsync(question, TestContext.Current.CancellationToken);
                told[(name, way)] = (Tell(byAdmin), Tell(byBuilt));
            }

            HitsAfterQuestions = (await admin.GetAsync("/rules")).ToJsonString();

            // 3. What decided about the traffic stands in its access log, once it has ended
            await gateway.StopAsync();
            var log = (await gateway.AccessLogAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement).ToList();
            foreach (var (name, way) in asked)
            {
                var record = log.Single(line => ("/" + line.GetProperty("target").GetString()).Contains($"/{name}-{way}.", StringComparison.Ordinal));
                var rule = record.TryGetProperty("decided_by", out var by) ? by.GetString() : null;
                var live = new Told(VerdictOf(statuses[(name, way)]), statuses[(name, way)] == 400 ? null : rule);
                Answers[(name, way)] = (live, told[(name, way)].Item1, told[(name, way)].Item2);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _origin.DisposeAsync();
            _directory.Dispose();
        }

        private static Told Tell(Explanation answer) => new(
            answer.Verdict.ToString(),
            answer.Verdict == ExplainedVerdict.Malformed || answer.DecidedBy?.Name == "default" ? null : answer.DecidedBy?.Name);

        private static string VerdictOf(int status) => status switch
        {
            0 => nameof(ExplainedVerdict.Closed),
            200 => nameof(ExplainedVerdict.Allowed),
            307 => nameof(ExplainedVerdict.Redirected),
            400 => nameof(ExplainedVerdict.Malformed),
            403 => nameof(ExplainedVerdict.Refused),
            _ => $"{status}",
        };

        private static string Host(string name, string way, int port) => $"{name}-{way}.localhost:{(name == "no-port" ? 1 : port)}";

        private string Host(string name, string way) => Host(name, way, _origin.Address.Port);

        private Question Ask(string name, string way)
        {
            var row = Array.Find(Rows, row => row.Name == name);
            var isTunnel = way is "connect" or "connect-h2" or "socks";
            return new Question
            {
                Target = isTunnel ? Host(name, way) : $"http://{Host(name, way)}{row.Path}",
                Method = isTunnel ? null : row.Method,
                WayIn = way == "connect-h2" ? "connect" : way,
                Endpoint = Asking.EndpointOf(way),
                User = way == "reverse" ? null : "alice",
                From = "127.0.0.1",
                BodySize = row.Body?.Length,
                Headers = row.Fields is { Length: > 0 } ? new Dictionary<string, string>(StringComparer.Ordinal) { ["X-Key"] = "1" } : [],
            };
        }

        /// <summary>A gateway that is never started, made ready as the command makes it.</summary>
        private static async Task<WebApplication> BuildAsync(string file)
        {
            var loader = ConfigurationLoader.Create(new ConfigurationFile(file), ConfigurationOverrides.None, Program.AddFeatures);
            var built = Program.Build(new GatewayConfiguration(loader, await loader.LoadAsync(TestContext.Current.CancellationToken)));
            built.Services.GetRequiredService<ListenerRegistry>().Replace(ConfiguredListeners.Of(built.Configuration));
            await built.Services.GetRequiredService<FilterLists>().LoadLocalAsync(TestContext.Current.CancellationToken);
            return built;
        }

        private string Section(string list)
        {
            var rules = Rows.Select(row =>
            {
                var name = row.Action.Contains("\"Name\"", StringComparison.Ordinal) ? "" : $"\"Name\": \"{row.Name}\", ";
                var hosts = string.Join(", ", Asking.EveryWay.Select(way => $"\"{row.Name}-{way}.localhost\""));
                var match = row.Match.Length == 0 ? "" : $$""", { {{row.Match}} }""";
                return $$"""{ {{name}}"Match": { "All": [ { "Hosts": [ {{hosts}} ] }{{match}} ] }, "Action": "{{row.Action}}" }""";
            });
            return $$"""
                "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "{{_origin.Address.Port}}" ] },
                "Plans": { "gold": { "Rates": [ "1000000/s" ] } },
                "Filtering": { "Lists": { "ads": { "Source": "{{list}}", "Format": "Domains" } }, "Rules": [ {{string.Join(",\n", rules)}} ] }
                """;
        }
    }
}
