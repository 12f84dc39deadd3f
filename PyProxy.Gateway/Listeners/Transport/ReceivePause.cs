namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>How long a connection stays unread after a refusal. Written by the request, read by the receiver.</summary>
internal sealed class ReceivePause(TimeProvider time)
{
    internal static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(4);

    private TimeSpan _length;
    private long _began;

    /// <summary>What is left of it; zero or less when it is over.</summary>
    internal TimeSpan Left => _length - time.GetElapsedTime(_began);

    /// <summary>Begins a pause; a longer one where the last has ended only just now.</summary>
    public void Begin()
    {
        var isAgain = _length > TimeSpan.Zero && time.GetElapsedTime(_began) < _length + Longest;
        var length = isAgain ? _length * 2 : First;
        _length = length < Longest ? length : Longest;
        _began = time.GetTimestamp();
    }

    /// <summary>Waits until the pause is over.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (Left is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellationToken);
        }
    }
}
