using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class GrpcTests : IAsyncLifetime
{
    private OriginServer _origin = null!;
    private ReverseGateway _gateway = null!;
    private GrpcChannel _channel = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(
            protocols: HttpProtocols.Http2,
            services: static services =>
            {
                services.AddGrpc();
                services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<EchoGrpcService>, EchoGrpcService.Binder>());
            },
            endpoints: static app => app.MapGrpcService<EchoGrpcService>());
        _gateway = await ReverseGateway.StartAsync(
            _origin.Address, ("Clusters:one:HttpRequest:Version", "2"), ("Clusters:one:HttpRequest:VersionPolicy", "RequestVersionExact"));
        _channel = GrpcChannel.ForAddress(_gateway.Http2Address, new GrpcChannelOptions
        {
            HttpHandler = ReverseGateway.CreateHandler(),
            DisposeHttpClient = true,
        });
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Fact]
    public async Task UnaryCall_BringsItsTrailers()
    {
        using var call = _channel.CreateCallInvoker().AsyncUnaryCall(EchoGrpcService.Unary, null, Options(), "hello");

        Assert.Equal("hello", await call.ResponseAsync);
        Assert.Equal("last", call.GetTrailers().GetValue("x-trailer"));
        Assert.Equal("trailers", _origin.LastRequest["te"]);
    }

    [Fact]
    public async Task FailedCall_BringsItsStatus()
    {
        using var call = _channel.CreateCallInvoker().AsyncUnaryCall(EchoGrpcService.Unary, null, Options(), "fail");

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal("as asked", error.Status.Detail);
    }

    [Fact]
    public async Task ClientStream_ArrivesWhole()
    {
        using var call = _channel.CreateCallInvoker().AsyncClientStreamingCall(EchoGrpcService.ClientStream, null, Options());
        foreach (var part in (string[])["a", "b", "c"])
        {
            await call.RequestStream.WriteAsync(part, TestContext.Current.CancellationToken);
        }

        await call.RequestStream.CompleteAsync();

        Assert.Equal("abc", await call.ResponseAsync);
    }

    [Fact]
    public async Task ServerStream_ArrivesInOrder()
    {
        using var call = _channel.CreateCallInvoker().AsyncServerStreamingCall(EchoGrpcService.ServerStream, null, Options(), "xyz");

        var received = string.Empty;
        await foreach (var part in call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            received += part;
        }

        Assert.Equal("xyz", received);
    }

    [Fact]
    public async Task DuplexStream_AnswersEachMessageBeforeTheNext()
    {
        using var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoGrpcService.Duplex, null, Options());
        foreach (var part in (string[])["ping", "pong", "end"])
        {
            await call.RequestStream.WriteAsync(part, TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal(part, call.ResponseStream.Current);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
    }

    private static CallOptions Options()
        => new(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + ReverseGateway.Patience, cancellationToken: TestContext.Current.CancellationToken);
}
