using System.IO.Pipelines;

namespace PyProxy.Gateway.Listeners;

/// <summary>The transport that an adapter shows to what runs above it, where one or both directions are not the connection's own.</summary>
internal sealed class AdaptedTransport(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input { get; } = input;

    public PipeWriter Output { get; } = output;
}
