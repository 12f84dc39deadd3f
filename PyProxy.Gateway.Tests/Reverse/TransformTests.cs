using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>
/// Every kind of transform that YARP documents, from the configuration file of a whole gateway: a route each. What came of it is told in lines:
/// <c>&gt;</c> what the origin received, <c>&lt;</c> the fields and <c>&lt;&lt;</c> the trailers that the client received.
/// </summary>
public sealed class TransformTests(TransformTests.Fixture fixture) : IClassFixture<TransformTests.Fixture>
{
    private static readonly (string Name, string Transform, string Expected, string? Gone)[] Rows =
    [
        ("none", "", "> GET /none/7/x?a=1&b=2", null),
        ("path-prefix", """ "PathPrefix": "/pre" """, "> GET /pre/path-prefix/7/x?a=1&b=2", null),
        ("path-remove-prefix", """ "PathRemovePrefix": "/path-remove-prefix" """, "> GET /7/x?a=1&b=2", null),
        ("path-set", """ "PathSet": "/set" """, "> GET /set?a=1&b=2", null),
        ("path-pattern", """ "PathPattern": "/to/{id}/{**rest}" """, "> GET /to/7/x?a=1&b=2", null),
        ("query-append", """ "QueryValueParameter": "a", "Append": "3" """, "> GET /query-append/7/x?a=1&a=3&b=2", null),
        ("query-set", """ "QueryValueParameter": "a", "Set": "3" """, "> GET /query-set/7/x?a=3&b=2", null),
        ("query-route-append", """ "QueryRouteParameter": "c", "Append": "id" """, "> GET /query-route-append/7/x?a=1&b=2&c=7", null),
        ("query-route-set", """ "QueryRouteParameter": "a", "Set": "id" """, "> GET /query-route-set/7/x?a=7&b=2", null),
        ("query-remove", """ "QueryRemoveParameter": "a" """, "> GET /query-remove/7/x?b=2", null),
        ("method", """ "HttpMethodChange": "GET", "Set": "PUT" """, "> PUT /method/7/x?a=1&b=2", null),
        ("no-copy", """ "RequestHeadersCopy": "false" """, "> GET /no-copy/7/x?a=1&b=2", "> x-sent"),
        ("original-host", """ "RequestHeaderOriginalHost": "true" """, "> host: asked.test", null),
        ("field-set", """ "RequestHeader": "X-Sent", "Set": "new" """, "> x-sent: new", null),
        ("field-append", """ "RequestHeader": "X-Sent", "Append": "more" """, "> x-sent: 1, more", null),
        ("field-route-set", """ "RequestHeaderRouteValue": "X-Sent", "Set": "id" """, "> x-sent: 7", null),
        ("field-route-append", """ "RequestHeaderRouteValue": "X-Sent", "Append": "id" """, "> x-sent: 1, 7", null),
        ("field-remove", """ "RequestHeaderRemove": "X-Sent" """, "> x-more: 2", "> x-sent"),
        ("fields-allowed", """ "RequestHeadersAllowed": "X-Sent;X-Other" """, "> x-sent: 1", "> x-more"),
        ("x-forwarded", """ "X-Forwarded": "Append", "Proto": "Set", "Host": "Off", "HeaderPrefix": "X-Fwd-" """, "> x-fwd-for: 127.0.0.1", "> x-fwd-host"),
        ("forwarded", """ "Forwarded": "for,proto,host", "ForFormat": "Ip", "Action": "Set" """, "> forwarded: proto=http;host=\"asked.test\";for=127.0.0.1", null),
        ("client-cert", """ "ClientCert": "X-Certificate" """, "> x-certificate: MII", null),
        ("answer-no-copy", """ "ResponseHeadersCopy": "false" """, "> x-sent: 1", "< x-origin"),
        ("answer-set", """ "ResponseHeader": "X-Origin", "Set": "new", "When": "Success" """, "< x-origin: new", null),
        ("answer-append", """ "ResponseHeader": "X-Origin", "Append": "more" """, "< x-origin: 1,more", null),
        ("answer-failure", """ "ResponseHeader": "X-Origin", "Set": "new", "When": "Failure" """, "< x-origin: 1", null),
        ("answer-remove", """ "ResponseHeaderRemove": "X-Origin", "When": "Always" """, "< x-second: 2", "< x-origin"),
        ("answers-allowed", """ "ResponseHeadersAllowed": "X-Second" """, "< x-second: 2", "< x-origin"),
        ("trailers", "", "<< x-trailer: 1", null),
        ("trailer-no-copy", """ "ResponseTrailersCopy": "false" """, "> x-sent: 1", "<< x-trailer"),
        ("trailer-set", """ "ResponseTrailer": "X-Trailer", "Set": "new", "When": "Always" """, "<< x-trailer: new", null),
        ("trailer-append", """ "ResponseTrailer": "X-Trailer", "Append": "more" """, "<< x-trailer: 1,more", null),
        ("trailer-remove", """ "ResponseTrailerRemove": "X-Trailer" """, "<< x-second-trailer: 2", "<< x-trailer"),
        ("trailers-allowed", """ "ResponseTrailersAllowed": "X-Second-Trailer" """, "<< x-second-trailer: 2", "<< x-trailer"),
    ];

    public static TheoryData<string> Names => new(Rows.Select(static row => row.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Transform_IsCarriedOut(string name)
    {
        var row = Array.Find(Rows, row => row.Name == name);

        var told = await fixture.AskAsync(name == "client-cert" ? "Tls" : "H2", $"/{name}/7/x?a=1&b=2");

        Assert.Contains(told, line => line.StartsWith(row.Expected, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(told, line => row.Gone is not null && line.StartsWith(row.Gone, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task ClustersWebProxy_IsAskedForTheDestination()
    {
        await fixture.AskAsync("H2", "/web-proxy/x");

        Assert.StartsWith("GET http://behind.invalid/web-proxy/x HTTP/1.1\r\n", Assert.Single(fixture.WebProxy.Heads), StringComparison.Ordinal);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private OriginServer _origin = null!;
        private GatewayServer _gateway = null!;
        private X509Certificate2? _certificate;
        private HttpMessageInvoker _client = null!;

        internal RawOrigin WebProxy { get; } = new("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

        public async ValueTask InitializeAsync()
        {
            _origin = await OriginServer.StartAsync(
                endpoints: static app => app.Map("{**path}", static async context =>
                {
                    var response = context.Response;
                    response.Headers["X-Origin"] = "1";
                    response.Headers["X-Second"] = "2";
                    response.DeclareTrailer("X-Trailer");
                    response.DeclareTrailer("X-Second-Trailer");
                    var request = context.Request;
                    await response.WriteAsync($"> {request.Method} {request.Path}{request.QueryString}\n");
                    foreach (var (field, value) in request.Headers)
                    {
                        await response.WriteAsync($"> {field}: {value}\n");
                    }

                    response.AppendTrailer("X-Trailer", "1");
                    response.AppendTrailer("X-Second-Trailer", "2");
                }),
                protocols: HttpProtocols.Http2);
            _gateway = await GatewayServer.StartAsync(configuration: directory =>
            {
                _certificate = X509Certificate2.CreateFromPemFile($"{directory}/server.pem", $"{directory}/server.key");
                return Configuration(directory);
            });
            var handler = new SocketsHttpHandler { UseProxy = false };
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
            handler.SslOptions.ClientCertificates = [_certificate!];
            _client = new HttpMessageInvoker(handler);
        }

        public async ValueTask DisposeAsync()
        {
            _client.Dispose();
            await _gateway.DisposeAsync();
            await _origin.DisposeAsync();
            await WebProxy.DisposeAsync();
            _certificate?.Dispose();
        }

        internal async Task<string[]> AskAsync(string endpoint, string target)
        {
            var url = new Uri($"{(endpoint == "Tls" ? "https" : "http")}://127.0.0.1:{_gateway.Port(endpoint)}{target}");
            using var request = new HttpRequestMessage(HttpMethod.Get, url)
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Headers = { Host = "asked.test" },
            };
            request.Headers.Add("X-Sent", "1");
            request.Headers.Add("X-More", "2");
            using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
            var received = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return
            [
                .. received.Split('\n'),
                .. response.Headers.Select(static field => $"< {field.Key}: {string.Join(',', field.Value)}"),
                .. response.TrailingHeaders.Select(static field => $"<< {field.Key}: {string.Join(',', field.Value)}"),
            ];
        }

        private string Configuration(string directory)
        {
            var routes = Rows.Select(static row => $$"""
                "{{row.Name}}": { "ClusterId": "origin", "Match": { "Path": "/{{row.Name}}/{id}/{**rest}" }, "Transforms": [ {{(row.Transform.Length == 0 ? "" : $"{{{row.Transform}}}")}} ] },
                """);
            return $$"""
                {
                  "Kestrel": { "Endpoints": {
                    "H2": { "Url": "http://127.0.0.1:0", "Protocols": "Http2" },
                    "Tls": { "Url": "https://127.0.0.1:0", "ClientCertificateMode": "AllowCertificate", "ClientCertificateAuthorities": [ "{{directory}}/server.pem" ],
                             "Certificate": { "Path": "{{directory}}/server.pem", "KeyPath": "{{directory}}/server.key" } } } },
                  "ReverseProxy": {
                    "Routes": {
                      {{string.Concat(routes)}}
                      "web-proxy": { "ClusterId": "behind", "Match": { "Path": "/web-proxy/{**rest}" } } },
                    "Clusters": {
                      "origin": { "Destinations": { "one": { "Address": "{{_origin.Address}}" } }, "HttpRequest": { "Version": "2", "VersionPolicy": "RequestVersionExact" } },
                      "behind": { "Destinations": { "one": { "Address": "http://behind.invalid/" } },
                                  "HttpClient": { "WebProxy": { "Address": "{{WebProxy.Address}}", "BypassOnLocal": false } }, "HttpRequest": { "Version": "1.1" } } } },
                  "Gateway": { "DataDirectory": "{{directory}}", "Telemetry": { "AccessLog": { "Path": "{{directory}}/access.log" } } }
                }
                """;
        }
    }
}
