using System.Buffers;
using System.Globalization;

namespace PyProxy.Gateway.Filtering.Lists.Sources;

internal static class BoundedCopy
{
    private const int BufferSize = 64 * 1024;

    /// <exception cref="ListException">The source has more bytes than allowed.</exception>
    public static async Task RunAsync(Stream source, Stream destination, long maxBytes, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            long total = 0;
            for (int read; (read = await source.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                if ((total += read) > maxBytes)
                {
                    throw new ListException(string.Create(CultureInfo.InvariantCulture, $"it has more than {maxBytes} bytes (MaxBytes)"));
                }

                await destination.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
