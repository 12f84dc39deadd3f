using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Socks;

/// <summary>Hands a connection over through the pipes that it had when the takeover was made: below every adapter.</summary>
internal sealed class PipeTakeover(ConnectionContext context) : IConnectionTakeover
{
    private readonly IDuplexPipe _transport = context.Transport;

    public async ValueTask<ITunnelLeg> TakeAsync(ReadOnlyMemory<byte> greeting, CancellationToken ct)
    {
        await _transport.Output.WriteAsync(greeting, ct);
        return new Leg(_transport, context);
    }

    public void ExpectTunnel(bool isExpected)
    {
        // Nobody here takes an end for a client's leaving.
    }

    public void RunBehindRequest(Func<Task> tunnel) => throw new NotSupportedException("These tunnels run inside their requests.");

    /// <summary>Connection middleware that makes connections able to be taken over.</summary>
    public static ConnectionDelegate Use(ConnectionDelegate next) => context =>
    {
        context.Features.Set<IConnectionTakeover>(new PipeTakeover(context));
        return next(context);
    };

    private sealed class Leg(IDuplexPipe transport, ConnectionContext context) : ITunnelLeg
    {
        public Stream Stream { get; } = new DuplexStream(transport);

        public ValueTask ShutdownSendAsync(CancellationToken cancellationToken) => transport.Output.CompleteAsync();

        public void Abort() => context.Abort();

        public ValueTask DisposeAsync() => Stream.DisposeAsync();
    }

    private sealed class DuplexStream(IDuplexPipe pipe) : Stream
    {
        private readonly Stream _input = pipe.Input.AsStream(leaveOpen: true);
        private readonly Stream _output = pipe.Output.AsStream(leaveOpen: true);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => _output.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => _input.ReadAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            => _output.WriteAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
