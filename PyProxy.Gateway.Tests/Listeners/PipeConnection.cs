using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using PyProxy.Gateway.Listeners;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>A connection in memory: <see cref="Context"/> is what an adapter is given, <see cref="Client"/> the other end.</summary>
internal sealed class PipeConnection
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public PipeConnection(EndPoint? remote = null)
    {
        var toServer = new Pipe(new PipeOptions(useSynchronizationContext: false));
        var toClient = new Pipe(new PipeOptions(useSynchronizationContext: false));
        Client = new AdaptedTransport(toClient.Reader, toServer.Writer);
        Context = new DefaultConnectionContext("test", new AdaptedTransport(toServer.Reader, toClient.Writer), Client)
        {
            RemoteEndPoint = remote ?? new IPEndPoint(IPAddress.Loopback, 40000),
            LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 80),
        };
    }

    public DefaultConnectionContext Context { get; }

    public AdaptedTransport Client { get; }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await Client.Output.WriteAsync(bytes);

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Everything that the server side still has to read, once there is any.</summary>
    public async Task<string> ReadServerSideAsync()
    {
        var result = await Context.Transport.Input.ReadAsync().AsTask().WaitAsync(Patience);
        var text = Encoding.Latin1.GetString(result.Buffer);
        Context.Transport.Input.AdvanceTo(result.Buffer.End);
        return text;
    }

    /// <summary>Exactly so many bytes from the server.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        var result = await Client.Input.ReadAtLeastAsync(count).AsTask().WaitAsync(Patience);
        var bytes = result.Buffer.Slice(0, Math.Min(count, result.Buffer.Length)).ToArray();
        Client.Input.AdvanceTo(result.Buffer.GetPosition(bytes.Length));
        return bytes;
    }

    /// <summary>What the server sends until its end.</summary>
    public async Task<byte[]> ReceiveToEndAsync()
    {
        using var memory = new MemoryStream();
        await Client.Input.CopyToAsync(memory).WaitAsync(Patience);
        return memory.ToArray();
    }

    public async Task AbortedAsync()
    {
        var aborted = new TaskCompletionSource();
        await using (Context.ConnectionClosed.Register(aborted.SetResult))
        {
            await aborted.Task.WaitAsync(Patience);
        }
    }
}
