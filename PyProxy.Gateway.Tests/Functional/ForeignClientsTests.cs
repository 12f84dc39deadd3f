using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Clients of other makes, through the forward proxy.</summary>
public sealed class ForeignClientsTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new("clients");
    private OriginServer _plain = null!;
    private OriginServer _secure = null!;
    private GatewayServer _gateway = null!;

    private string Proxy => _gateway.Url("Open").Authority;

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(150));
        _plain = await OriginServer.StartAsync(endpoints: MapRepository);
        _secure = await OriginServer.StartAsync(endpoints: MapRepository, certificate: certificate);
        _gateway = await GatewayServer.StartAsync(gateway: """
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] }
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _plain.DisposeAsync();
        await _secure.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(true)] // a tunnel
    [InlineData(false)] // absolute form
    public async Task GitClone_Passes(bool secure)
    {
        var source = Path.Combine(_directory.Path, "repo.git");
        var clone = Path.Combine(_directory.Path, "clone");
        Assert.Equal(0, (await GitAsync("init", "--quiet", "--bare", "--initial-branch=main", source)).ExitCode);
        var (_, tree) = await GitAsync("-C", source, "mktree");
        var (_, commit) = await GitAsync("-C", source, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit-tree", "-m", "first", tree.Trim());
        await GitAsync("-C", source, "update-ref", "refs/heads/main", commit.Trim());
        await GitAsync("-C", source, "update-server-info"); // for a server that knows files only

        var (exit, _) = await GitAsync("-c", $"http.proxy=http://{Proxy}", "-c", "http.sslVerify=false", "clone", "--quiet",
            new Uri((secure ? _secure : _plain).Address, "/repo.git").ToString(), clone);

        Assert.Equal(0, exit);
        Assert.Equal(commit, (await GitAsync("-C", clone, "rev-parse", "HEAD")).Output);
    }

    [Fact]
    public async Task OpenSsl_Tunnels()
    {
        // Its exit code is not asked: an HTTP server that closes without a TLS close_notify makes it 1.
        var (_, output) = await Tool.RunAsync("openssl", "openssl", "GET / HTTP/1.0\r\n\r\n",
            "s_client", "-quiet", "-proxy", Proxy, "-connect", _secure.Address.Authority);

        Assert.StartsWith("HTTP/1.1 200", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Python_PassesBothWays()
    {
        var (_, output) = await Tool.RunAsync("python3", "python3", $$"""
            import http.client, urllib.request
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": "http://{{Proxy}}"}))
            print(opener.open("{{_plain.Address}}").read().decode())
            connection = http.client.HTTPConnection("{{Proxy}}")
            connection.set_tunnel("{{_plain.Address.Authority}}")
            connection.request("GET", "/")
            print(connection.getresponse().read().decode())
            """, "-");

        Assert.Equal("origin\norigin\n", output);
    }

    [Fact]
    public async Task Node_PassesInAbsoluteForm()
    {
        var (_, output) = await Tool.RunAsync("node", "nodejs", $$"""
            require('http').get({ port: {{_gateway.Port("Open")}}, host: '127.0.0.1', path: '{{_plain.Address}}' }, r => r.pipe(process.stdout));
            """, "-");

        Assert.Equal("origin", output);
    }

    /// <summary>An HTTP/2 CONNECT with prior knowledge: 200 and the destination's end as the stream's, or the refusal.</summary>
    [Theory]
    [InlineData("*", "200 origin")]
    [InlineData("25", "403 ")]
    public async Task NodeOverHttp2_TunnelsWhereItMay(string ports, string expected)
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: $$"""
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "{{ports}}" ] }
            """);
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"alice:{GatewayServer.Password}"));
        var (_, output) = await Tool.RunAsync("node", "nodejs", $$"""
            const client = require('http2').connect('http://127.0.0.1:{{gateway.Port("H2c")}}');
            const tunnel = client.request({ ':method': 'CONNECT', ':authority': '{{_plain.Address.Authority}}',
              'proxy-authorization': 'Basic {{credentials}}' }, { endStream: false });
            let text = '';
            let status = 0;
            tunnel.setEncoding('latin1');
            tunnel.on('response', fields => {
              status = fields[':status'];
              if (status === 200) tunnel.write('GET / HTTP/1.0\r\nHost: x\r\n\r\n');
              else tunnel.end();
            });
            tunnel.on('data', data => text += data);
            tunnel.on('end', () => { console.log(status + ' ' + (status === 200 ? text.split('\r\n\r\n')[1] : '')); client.close(); });
            """, "-");

        Assert.Equal(expected, output.TrimEnd('\n'));
    }

    private static Task<(int ExitCode, string Output)> GitAsync(params string[] arguments) => Tool.RunAsync("git", "git", "", arguments);

    private void MapRepository(WebApplication app) => app.MapGet("/repo.git/{**path}", (string path) =>
        Path.Combine(_directory.Path, "repo.git", path) is var file && File.Exists(file) ? Results.File(file) : Results.NotFound());
}
