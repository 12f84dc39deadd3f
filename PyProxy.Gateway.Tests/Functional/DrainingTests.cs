using System.Runtime.InteropServices;
using PyProxy.Gateway.Admin;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>What clients see between the signal and the end of listening.</summary>
public sealed class DrainingTests
{
    [Fact]
    public async Task Http2Client_IsToldToGoWhileListenersStillAccept()
    {
        GatewayServer? gateway = null;
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/signal", () =>
        {
            ((SignalLifetime)gateway!.Services.GetRequiredService<IHostLifetime>()).OnSignal(PosixSignal.SIGTERM);
            return "signalled";
        }));
        await using (gateway = await GatewayServer.StartAsync(
            origin.Address,
            """ "Shutdown": { "Delay": "00:00:30" } """,
            static text => text.Replace("\"H2c\":", "\"ReverseH2c\": { \"Url\": \"http://127.0.0.1:0\", \"Protocols\": \"Http2\" }, \"H2c\":", StringComparison.Ordinal)))
        {
            var (_, output) = await Tool.RunAsync("node", "nodejs", $$"""
                const http2 = require('http2');
                const ask = (client, path, then) => {
                  const request = client.request({ ':path': path });
                  let status = 0, text = '';
                  request.on('response', fields => status = fields[':status']);
                  request.on('data', data => text += data);
                  request.on('end', () => { console.log(status + ' ' + text); then(); });
                };
                const first = http2.connect('{{gateway.Url("ReverseH2c")}}');
                first.once('goaway', code => console.log('goaway ' + code));
                first.on('close', () => {
                  const second = http2.connect('{{gateway.Url("ReverseH2c")}}');
                  ask(second, '/elsewhere', () => second.close());
                });
                ask(first, '/signal', () => ask(first, '/last', () => {}));
                """, "-");

            Assert.Equal(["200 origin", "200 origin", "200 signalled", "goaway 0"], output.TrimEnd('\n').Split('\n').Order(StringComparer.Ordinal));
        }
    }
}
