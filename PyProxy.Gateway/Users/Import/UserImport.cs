using System.Collections.Concurrent;
using System.Threading.Channels;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Users.Import;

/// <summary>How an import treats what it finds.</summary>
internal sealed record UserImportMode
{
    /// <summary>All or nothing: a single bad line, or a user who exists, and the database stays as it was.</summary>
    public bool Atomic { get; init; }

    /// <summary>Replace users who exist, instead of naming their lines.</summary>
    public bool Replace { get; init; }

    /// <summary>Clear passwords were generated with at least 128 bits, so they are kept under the fast hash.</summary>
    public bool Generated { get; init; }
}

/// <summary>
/// Brings very many users into the database: clear passwords are hashed on all processors, records written in batches. Without
/// <see cref="UserImportMode.Atomic"/> each batch is a transaction of its own, so that an hour of hashing locks nobody out.
/// </summary>
internal sealed class UserImport(UserRecords records, PasswordHashingOptions hashing, UserImportMode mode)
{
    private const int BatchSize = 1000;

    private readonly ConcurrentBag<(int Line, string Mistake)> _mistakes = [];

    /// <summary>How many users were added or replaced so far.</summary>
    public int Imported { get; private set; }

    /// <summary>What was not imported, by line.</summary>
    public IReadOnlyList<(int Line, string Mistake)> Mistakes => [.. _mistakes.OrderBy(m => m.Line)];

    /// <param name="lines">What to import.</param>
    /// <param name="lineOf">Finds a name's line.</param>
    /// <param name="progress">Told after each line that was dealt with.</param>
    /// <param name="cancellationToken">Ends it; what was written stays, unless it is atomic.</param>
    public async Task RunAsync(IEnumerable<UserImportLine> lines, Func<string, int> lineOf, Action progress, CancellationToken cancellationToken)
    {
        var hashed = Channel.CreateBounded<UserRecord>(2 * BatchSize);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hash = HashAsync(lines, hashed.Writer, progress, stop.Token);
        try
        {
            await (mode.Atomic
                ? WriteAtOnceAsync(hashed.Reader, lineOf, cancellationToken)
                : WriteInBatchesAsync(hashed.Reader, lineOf, cancellationToken));
        }
        finally
        {
            await stop.CancelAsync(); // where writing failed, hashing is of no use
            await hash;
        }
    }

    private async Task HashAsync(IEnumerable<UserImportLine> lines, ChannelWriter<UserRecord> writer, Action progress, CancellationToken cancellationToken)
    {
        try
        {
            await Parallel.ForEachAsync(lines, cancellationToken, async (line, cancellation) =>
            {
                if ((line.Mistake ?? PasswordMistake(line.ClearPassword)) is { } mistake)
                {
                    _mistakes.Add((line.Number, mistake));
                }
                else
                {
                    await writer.WriteAsync(Hash(line.User!, line.ClearPassword), cancellation);
                }

                progress();
            });
            writer.Complete();
        }
        catch (Exception e)
        {
            writer.Complete(e); // seen by whoever reads
        }
    }

    private string? PasswordMistake(string? clear) => mode.Generated && clear is { Length: < GeneratedCredential.MinLength }
        ? $"the password is shorter than {GeneratedCredential.MinLength} characters, so it has not the 128 bits that --generated promises"
        : null;

    private UserRecord Hash(UserRecord user, string? clear) => clear is null ? user : new UserRecord
    {
        Name = user.Name,
        PasswordHash = (mode.Generated ? KeyedHash.CreateGenerated(clear) : PasswordHashing.Hash(clear, hashing)).ToString(),
        Groups = user.Groups,
        Plan = user.Plan,
        EgressProfile = user.EgressProfile,
        Disabled = user.Disabled,
    };

    private async Task WriteInBatchesAsync(ChannelReader<UserRecord> users, Func<string, int> lineOf, CancellationToken cancellationToken)
    {
        await foreach (var batch in BatchesAsync(users, cancellationToken))
        {
            Imported += await records.ImportAsync(One(batch), mode.Replace, names => NoteExisting(names, lineOf), static () => true, cancellationToken);
        }
    }

    private async Task WriteAtOnceAsync(ChannelReader<UserRecord> users, Func<string, int> lineOf, CancellationToken cancellationToken)
    {
        // Everything is read and hashed before the database is locked.
        List<IReadOnlyList<UserRecord>> batches = [];
        await foreach (var batch in BatchesAsync(users, cancellationToken))
        {
            batches.Add(batch);
        }

        if (_mistakes.IsEmpty)
        {
            Imported = await records.ImportAsync(
                batches.ToAsyncEnumerable(), mode.Replace, names => NoteExisting(names, lineOf), () => _mistakes.IsEmpty, cancellationToken);
        }
    }

    private void NoteExisting(IReadOnlyCollection<string> names, Func<string, int> lineOf)
    {
        foreach (var name in names)
        {
            _mistakes.Add((lineOf(name), $"there is a user {name} already; --update replaces users who exist"));
        }
    }

    private static async IAsyncEnumerable<IReadOnlyList<UserRecord>> BatchesAsync(
        ChannelReader<UserRecord> users, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<UserRecord> batch = [];
        await foreach (var user in users.ReadAllAsync(cancellationToken))
        {
            batch.Add(user);
            if (batch.Count == BatchSize)
            {
                yield return batch;
                batch = [];
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private static IAsyncEnumerable<IReadOnlyList<UserRecord>> One(IReadOnlyList<UserRecord> batch) => new[] { batch }.ToAsyncEnumerable();
}
