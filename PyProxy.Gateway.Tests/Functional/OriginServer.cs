using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>What an origin received.</summary>
internal sealed record ReceivedRequest(string Method, string Target, string Protocol, IReadOnlyDictionary<string, string> Fields)
{
    public string? this[string field] => Fields.GetValueOrDefault(field);
}

/// <summary>A real Kestrel on port 0 that records what it receives. Without endpoints of its own it answers 200 with its name.</summary>
internal sealed class OriginServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OriginServer(WebApplication app, string name)
    {
        _app = app;
        Name = name;
    }

    public string Name { get; }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());

    public ConcurrentQueue<ReceivedRequest> Requests { get; } = new();

    public ReceivedRequest LastRequest => Requests.Last();

    public static async Task<OriginServer> StartAsync(
        string name = "origin",
        Action<WebApplication>? endpoints = null,
        Action<IServiceCollection>? services = null,
        HttpProtocols protocols = HttpProtocols.Http1,
        X509Certificate2? certificate = null)
    {
        var builder = TestHost.CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = protocols;
                if (certificate is not null)
                {
                    listen.UseHttps(certificate);
                }
            });
        });
        services?.Invoke(builder.Services);
        var app = builder.Build();
        var origin = new OriginServer(app, name);
        app.Use(origin.RecordAsync);
        app.UseWebSockets();
        app.UseRouting();
        endpoints?.Invoke(app);
        app.MapFallback("{**path}", (HttpContext context) => context.Response.WriteAsync(name));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return origin;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private Task RecordAsync(HttpContext context, RequestDelegate next)
    {
        Requests.Enqueue(new ReceivedRequest(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Protocol,
            context.Request.Headers.ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        return next(context);
    }
}
