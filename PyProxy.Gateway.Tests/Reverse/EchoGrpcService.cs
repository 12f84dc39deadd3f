using System.Text;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>One method of each kind of gRPC call, on strings.</summary>
internal sealed class EchoGrpcService
{
    public static readonly Method<string, string> Unary = Define(MethodType.Unary, "Unary");
    public static readonly Method<string, string> ClientStream = Define(MethodType.ClientStreaming, "ClientStream");
    public static readonly Method<string, string> ServerStream = Define(MethodType.ServerStreaming, "ServerStream");
    public static readonly Method<string, string> Duplex = Define(MethodType.DuplexStreaming, "Duplex");

    private static Method<string, string> Define(MethodType type, string name)
    {
        var text = Marshallers.Create(static value => Encoding.UTF8.GetBytes(value), static bytes => Encoding.UTF8.GetString(bytes));
        return new Method<string, string>(type, "Echo", name, text, text);
    }

    internal sealed class Binder : IServiceMethodProvider<EchoGrpcService>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<EchoGrpcService> context)
        {
            context.AddUnaryMethod(Unary, [], static (_, request, call) =>
            {
                call.ResponseTrailers.Add("x-trailer", "last");
                return request == "fail"
                    ? throw new RpcException(new Status(StatusCode.FailedPrecondition, "as asked"))
                    : Task.FromResult(request);
            });
            context.AddClientStreamingMethod(ClientStream, [], static async (_, requests, call) =>
            {
                var all = new StringBuilder();
                await foreach (var request in requests.ReadAllAsync(call.CancellationToken))
                {
                    all.Append(request);
                }

                return all.ToString();
            });
            context.AddServerStreamingMethod(ServerStream, [], static async (_, request, responses, call) =>
            {
                foreach (var letter in request)
                {
                    await responses.WriteAsync(letter.ToString(), call.CancellationToken);
                }
            });
            context.AddDuplexStreamingMethod(Duplex, [], static async (_, requests, responses, call) =>
            {
                await foreach (var request in requests.ReadAllAsync(call.CancellationToken))
                {
                    await responses.WriteAsync(request, call.CancellationToken);
                }
            });
        }
    }
}
