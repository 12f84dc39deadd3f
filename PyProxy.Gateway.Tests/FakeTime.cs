using Microsoft.Extensions.Time.Testing;

namespace PyProxy.Gateway.Tests;

internal static class FakeTime
{
    // Real time between two looks: how soon an end is noticed.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// Disposes of services that are built on this time, which goes on meanwhile: Polly waits until nothing runs in its pipelines, in steps of its clock,
    /// and one that stands still would never let it end.
    /// </summary>
    public static async ValueTask DisposeAsync(this FakeTimeProvider time, IAsyncDisposable services)
    {
        var disposing = services.DisposeAsync().AsTask();
        while (!disposing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(disposing, Task.Delay(Interval));
        }

        await disposing;
    }
}
