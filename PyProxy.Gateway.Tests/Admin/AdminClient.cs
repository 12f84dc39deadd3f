using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin;

/// <summary>A client of a running gateway's admin API, on this machine and without a token unless it is given one.</summary>
internal sealed class AdminClient(GatewayServer gateway, string? token = null) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = gateway.Url("Admin") };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What a resource says, by its path below <c>/api/v1</c>; fails on any other answer than a good one.</summary>
    public async Task<JsonNode> GetAsync(string path)
    {
        var (status, body) = await SendAsync(HttpMethod.Get, path);
        Assert.True(status == HttpStatusCode.OK, $"{status}: {body}");
        return body!;
    }

    /// <param name="method">Of the call.</param>
    /// <param name="path">Below <c>/api/v1</c>.</param>
    /// <param name="body">JSON.</param>
    /// <param name="fields">Header fields, name and value.</param>
    public async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(
        HttpMethod method, string path, string? body = null, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(method, $"/api/v1{path}");
        request.Content = body is null ? null : new StringContent(body, MediaTypeHeaderValue.Parse("application/json"));
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        foreach (var (name, value) in fields)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _http.SendAsync(request, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        if (!response.IsSuccessStatusCode)
        {
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }

        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    public void Dispose() => _http.Dispose();
}
