using System.IO.Pipelines;

namespace PyProxy.Gateway.Listeners;

/// <summary>
/// Ends a connection so that the last words arrive: write, FIN, then read until the client has ended too. A socket that is closed with
/// received bytes unread answers with an RST, and that makes the client's stack drop what it has not read yet.
/// </summary>
internal static class CleanClose
{
    /// <summary>
    /// How long and how much the client may go on sending; nginx's <c>lingering_close</c> waits as long for a silent client.
    /// </summary>
    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(5);

    private const long LingerBytes = 256 * 1024;

    /// <summary>False where the client was gone, or did not end in time: whoever owns the connection then just closes it.</summary>
    public static async ValueTask<bool> TryAsync(IDuplexPipe transport, ReadOnlyMemory<byte> lastWords, TimeProvider timeProvider)
    {
        using var deadline = new CancellationTokenSource(LingerTimeout, timeProvider);
        try
        {
            if (!lastWords.IsEmpty)
            {
                await transport.Output.WriteAsync(lastWords, deadline.Token);
            }

            await transport.Output.CompleteAsync();
            return await DrainAsync(transport.Input, deadline.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    private static async ValueTask<bool> DrainAsync(PipeReader input, CancellationToken cancellationToken)
    {
        var drained = 0L;
        while (drained <= LingerBytes)
        {
            var result = await input.ReadAsync(cancellationToken);
            drained += result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || result.IsCanceled)
            {
                return result.IsCompleted;
            }
        }

        return false;
    }
}
