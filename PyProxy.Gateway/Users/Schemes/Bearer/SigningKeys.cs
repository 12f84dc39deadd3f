using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>Keys of an issuer at one time.</summary>
internal sealed record KeySet(IReadOnlyList<SecurityKey> Keys);

/// <summary>
/// The keys that an issuer signs with, read anew from time to time and when a token names one that is not among them: that is how issuers change
/// keys. Read by one at a time and not more often than every ten seconds, whatever tokens strangers bring. What cannot be read leaves the keys
/// that were read last.
/// </summary>
internal sealed partial class SigningKeys(string source, IKeySetReader reader, UsersMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private volatile KeySet? _current;
    private Task? _reading;
    private long _readAt;
    private bool _wasRead;

    /// <summary>The keys; <see langword="null"/> as long as they could not be had. Old ones are used while new ones are being read.</summary>
    public ValueTask<KeySet?> GetAsync(TimeSpan refresh, CancellationToken cancellationToken)
    {
        if (_current is not { } current)
        {
            return new ValueTask<KeySet?>(ReadAgainAsync(cancellationToken));
        }

        if (time.GetElapsedTime(Volatile.Read(ref _readAt)) >= refresh)
        {
            _ = StartReading(); // it reports its failure itself
        }

        return new ValueTask<KeySet?>(current);
    }

    /// <summary>The keys after another look at the source, where the last one was long enough ago.</summary>
    public async Task<KeySet?> ReadAgainAsync(CancellationToken cancellationToken)
    {
        await StartReading().WaitAsync(cancellationToken);
        return _current;
    }

    /// <summary>Whether these are the keys in force.</summary>
    public bool IsCurrent(KeySet keys) => ReferenceEquals(_current, keys);

    private Task StartReading()
    {
        lock (_gate)
        {
            if (_reading is { IsCompleted: false })
            {
                return _reading;
            }

            if (_wasRead && time.GetElapsedTime(_readAt) < ShortestPause)
            {
                return Task.CompletedTask;
            }

            _wasRead = true;
            Volatile.Write(ref _readAt, time.GetTimestamp());
            return _reading = Task.Run(ReadAsync); // not the work of the request that happened to come first
        }
    }

    private async Task ReadAsync()
    {
        using var timeout = new CancellationTokenSource(ReadTimeout, time);
        try
        {
            var keys = await reader.ReadAsync(source, timeout.Token);
            if (keys.Count == 0)
            {
                throw new InvalidOperationException("There are no signing keys in it.");
            }

            if (_current is not { } current || !AreSame(current.Keys, keys))
            {
                _current = new KeySet(keys); // another object: tokens verified with other keys are verified anew
            }

            metrics.KeysRead("success");
        }
        catch (Exception e) when (e is IOException or HttpRequestException or UnauthorizedAccessException or ArgumentException or JsonException
            or OperationCanceledException or InvalidOperationException)
        {
            metrics.KeysRead("failure");
            LogNotRead(source, e.Message, _current is null ? "no token can be verified" : "those that were read last stay in force");
        }
    }

    private static bool AreSame(IReadOnlyList<SecurityKey> left, IReadOnlyList<SecurityKey> right)
    {
        if (left.Count != right.Count)
        {
            return false;
        }

        for (var i = 0; i < left.Count; i++)
        {
            if (!left[i].ComputeJwkThumbprint().AsSpan().SequenceEqual(right[i].ComputeJwkThumbprint())
                || !string.Equals(left[i].KeyId, right[i].KeyId, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    [LoggerMessage(1, LogLevel.Warning, "Signing keys could not be read from {Source} ({Problem}): {Consequence}.", EventName = "SigningKeysNotRead")]
    private partial void LogNotRead(string source, string problem, string consequence);
}
