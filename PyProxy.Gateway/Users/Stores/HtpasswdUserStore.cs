using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>
/// The users of an <c>htpasswd</c> file, read again when it changes: in place, by a rename over it, by a symbolic link that points elsewhere.
/// It is looked at every second instead of asking the kernel for events, which do not come from network mounts and container volumes.
/// </summary>
internal sealed partial class HtpasswdUserStore(
    IOptionsMonitor<UsersOptions> options,
    UserChanges changes,
    UserStoreMetrics metrics,
    TimeProvider time,
    ILogger<HtpasswdUserStore> logger,
    IHealthSignal? health = null) : BackgroundService, IUserStore
{
    public const string StoreName = "Htpasswd";

    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private const string HealthPart = "htpasswd";
    private const int NamedLines = 10;

    // A file that was written while it was read may look the same at the next look: file systems count time coarsely.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(4);

    private readonly SemaphoreSlim _oneAtATime = new(1);
    private volatile FrozenDictionary<string, StoredUser>? _users;
    private volatile PasswordHash[] _chosen = [];
    private Look _seen;
    private bool _failing;

    public string Name => StoreName;

    public IReadOnlyList<PasswordHash> ChosenPasswords => _chosen;

    public async ValueTask<StoredUser?> FindAsync(string userName, CancellationToken cancellationToken)
    {
        if (_users is null)
        {
            await PollAsync(cancellationToken); // commands ask without a host that polls
        }

        return _users?.GetValueOrDefault(userName);
    }

    public ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken) => ValueTask.FromResult<StoredApiKey?>(null);

    /// <summary>Every user of the file.</summary>
    public async ValueTask<IReadOnlyCollection<StoredUser>> AllAsync(CancellationToken cancellationToken)
    {
        await PollAsync(cancellationToken);
        return _users?.Values ?? [];
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await PollAsync(cancellationToken); // known before the gateway listens
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _oneAtATime.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await PollAsync(stoppingToken);
        }
    }

    /// <summary>Looks at the file once and reads it if it changed.</summary>
    internal async Task PollAsync(CancellationToken cancellationToken)
    {
        var current = options.CurrentValue;
        if (current.HtpasswdFile is not { } path || !current.Stores.Contains(StoreName, StringComparer.OrdinalIgnoreCase))
        {
            return;
        }

        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var look = Look.At(path);
            if (look == _seen && time.GetUtcNow() - look.WrittenAt > Settling)
            {
                return;
            }

            Apply(path, await File.ReadAllLinesAsync(path, cancellationToken), isAnotherLook: look == _seen);
            _seen = look;
            if (_failing)
            {
                _failing = false;
                health?.Restore(HealthPart);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
            {
                _failing = true;
                _seen = default;
                CannotRead(logger, path, e.Message);
                health?.Degrade(HealthPart, "The htpasswd file cannot be read; the users of its last reading stay.");
            }
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private void Apply(string path, string[] lines, bool isAnotherLook)
    {
        var previous = _users;
        var users = new Dictionary<string, StoredUser>(lines.Length, StringComparer.Ordinal);
        var bad = 0;
        for (var i = 0; i < lines.Length; i++)
        {
            if (HtpasswdFile.IsEmpty(lines[i]))
            {
                continue;
            }

            var mistake = HtpasswdFile.Read(lines[i], out var name, out var hash);
            if (mistake is null)
            {
                var user = previous?.GetValueOrDefault(name) is { } same && same.Hash!.ToString() == hash!.ToString()
                    ? same
                    : new StoredUser(new KnownUser(name, [], plan: null), hash, Disabled: false);
                users.TryAdd(name, user); // the first line of a name counts, as for Apache
            }
            else if (++bad <= NamedLines && !isAnotherLook)
            {
                BadLine(logger, path, i + 1, mistake);
            }
        }

        var current = users.ToFrozenDictionary(StringComparer.Ordinal);
        _users = current;
        _chosen = [.. current.Values.Select(static user => user.Hash!).Where(static hash => !hash.IsFast)];
        metrics.BadLines(bad);
        var changed = (previous?.Keys ?? []).Union(current.Keys, StringComparer.Ordinal)
            .Where(name => !ReferenceEquals(previous?.GetValueOrDefault(name), current.GetValueOrDefault(name)))
            .ToHashSet(StringComparer.Ordinal);
        if (!isAnotherLook || changed.Count > 0)
        {
            Loaded(logger, path, current.Count, bad);
        }

        changes.Publish(changed);
    }

    [LoggerMessage(1, LogLevel.Information, "Htpasswd file {File} read: {Users} user(s), {Bad} line(s) not accepted")]
    private static partial void Loaded(ILogger logger, string file, int users, int bad);

    [LoggerMessage(2, LogLevel.Warning, "{File}:{Line}: {Mistake}")]
    private static partial void BadLine(ILogger logger, string file, int line, string mistake);

    [LoggerMessage(3, LogLevel.Error, "Htpasswd file {File} cannot be read; the users of its last reading stay: {Reason}")]
    private static partial void CannotRead(ILogger logger, string file, string reason);

    private readonly record struct Look(string? Path, DateTimeOffset WrittenAt, long Length)
    {
        public static Look At(string path)
        {
            var file = new FileInfo(path);
            var target = (FileInfo?)file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
            return new Look(target.FullName, new DateTimeOffset(target.LastWriteTimeUtc), target.Length);
        }
    }
}
