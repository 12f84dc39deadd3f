using System.Net;
using System.Text;
using System.Text.Json;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Who is not let in, or not there: through the whole gateway.</summary>
public sealed class CredentialRefusalTests : WaysToProve
{
    [Fact]
    public async Task KnownButNotAllowed_Is403OnEveryWayIn()
    {
        var text = await File.ReadAllTextAsync(Gateway.ConfigurationPath, TestContext.Current.CancellationToken);
        await ReloadAsync(text.Replace("\"Users\": {", """
            "Filtering": { "Rules": [ { "Name": "not-alice", "Match": { "Users": [ "alice" ] }, "Action": "Deny" } ] },
            "Users": {
            """, StringComparison.Ordinal));
        var target = new Uri(Origin.Address, "/echo").ToString();
        string[] user = ["--proxy-user", $"alice:{GatewayServer.Password}", "-o", "/dev/null", "-w", "%{http_code} %{http_connect}"];

        Assert.Equal((0, "403 000"), await Curl.RunAsync(["--proxy", Gateway.Url("Proxy").ToString(), .. user, target]));
        Assert.EndsWith(" 403", (await Curl.RunAsync(["--proxy", Gateway.Url("Proxy").ToString(), "--proxytunnel", .. user, target])).Output, StringComparison.Ordinal);
        Assert.Equal("403", await ConnectOverHttp2Async());
        Assert.Equal(97, (await Curl.RunAsync(["--socks5-hostname", Gateway.Url("Socks").Authority, .. user, target])).ExitCode); // the proxy's reply was no success
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("Web", "/staff/x", ("Authorization", Password)));
        Assert.Empty(Origin.Requests);
        var records = await RecordsAsync();
        Assert.All(records, record => Assert.Equal((403, "alice"), (record.GetProperty("status").GetInt32(), record.GetProperty("user").GetString())));
        Assert.Equal(5, records.Count);
    }

    [Fact]
    public async Task UnknownAndKnownNames_GetOneAndTheSameAnswer()
    {
        var answers = new List<string>();
        foreach (var name in (string[])["alice", "nobody"])
        {
            using var client = await RawClient.ConnectAsync(Gateway.Port("Proxy"));
            await client.SendAsync($"GET {Origin.Address} HTTP/1.1\r\nHost: {Origin.Address.Authority}\r\nProxy-Authorization: {Basic($"{name}:wrong")}\r\n\r\n");
            var (head, body) = await client.ReadAnswerAsync();
            var decision = JsonSerializer.Deserialize<JsonElement>(body).GetProperty("decision").GetString()!;
            answers.Add(string.Join('\n', head.Split("\r\n").Where(line => !line.StartsWith("Date:", StringComparison.Ordinal))).Replace(decision, "ID", StringComparison.Ordinal)
                + body.Replace(decision, "ID", StringComparison.Ordinal));
        }

        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public async Task WrongCredentials_AreRefusedWhereNoneAreNeeded()
    {
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("Open"));
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardAsync("Open", ("Proxy-Authorization", Basic("alice:wrong"))));
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardAsync("Open", ("Proxy-Authorization", "Negotiate abc")));
        Assert.Single(Origin.Requests);
    }

    [Fact]
    public async Task KnownButNotAllowed_Is403WithoutAChallenge()
    {
        using var client = new HttpClient();
        using var request = Request(new Uri(Gateway.Url("Web"), "/admins/x"), ("Authorization", Password));
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(response.Headers.WwwAuthenticate);
        Assert.Contains("\"decidedBy\":\"admins\"", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusedRequest_LeavesTheConnectionInOrder_AndItsBodyIsNoRequest()
    {
        using var client = await RawClient.ConnectAsync(Gateway.Port("Proxy"));
        const string body = "GET http://smuggled.test/ HTTP/1.1\r\nHost: smuggled.test\r\n\r\n";
        await client.SendAsync($"POST {Origin.Address} HTTP/1.1\r\nHost: {Origin.Address.Authority}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        Assert.StartsWith("HTTP/1.1 407 ", (await client.ReadAnswerAsync()).Head, StringComparison.Ordinal);

        await client.SendAsync($"GET {Origin.Address} HTTP/1.1\r\nHost: {Origin.Address.Authority}\r\nProxy-Authorization: {Password}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", Encoding.Latin1.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal("/", Assert.Single(Origin.Requests).Target);
    }

    [Fact]
    public async Task Guessing_IsPutOff_AlikeForKnownAndUnknownNames()
    {
        foreach (var name in (string[])["alice", "nobody"])
        {
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardAsync("Proxy", ("Proxy-Authorization", Basic($"{name}:guess{i}"))));
            }

            using var client = ClientBehind("Proxy");
            using var request = Request(Origin.Address, ("Proxy-Authorization", Basic($"{name}:{GatewayServer.Password}")));
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)); // how long exactly: GuessingLimiterTests
        }

        Assert.NotEqual(0, (await Curl.RunAsync("--socks5-hostname", Gateway.Url("Socks").Authority, "--proxy-user", $"alice:{GatewayServer.Password}", Origin.Address.ToString())).ExitCode);
        Assert.Empty(Origin.Requests);
    }
}
