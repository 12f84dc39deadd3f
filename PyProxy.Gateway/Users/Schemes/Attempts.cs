using System.Net;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>Counts what clients show of themselves, and writes down what was not right: never the credentials.</summary>
internal sealed partial class Attempts(UsersMetrics metrics, ILogger<Attempts> logger)
{
    private const int MaxLoggedName = 64;

    public void Record(in Proof proof, IPAddress? address)
    {
        if (proof.Outcome == ProofOutcome.None)
        {
            return;
        }

        // Only words of ours become labels: what a client calls its scheme is its own choice.
        metrics.Attempt(proof.Scheme ?? "other", NameOf(proof.Outcome));
        if (proof.IsFailure && logger.IsEnabled(LogLevel.Information))
        {
            LogRefused(proof.Scheme ?? "Credentials", address, proof.UserName is { } name ? Readable(name) : "-", proof.Reason);
        }
    }

    public static string NameOf(ProofOutcome outcome) => outcome switch
    {
        ProofOutcome.Accepted => "accepted",
        ProofOutcome.Malformed => "malformed",
        ProofOutcome.Unsupported => "unsupported",
        ProofOutcome.Limited => "limited",
        _ => "rejected",
    };

    /// <summary>A stranger's text must not make lines or colours in a log.</summary>
    private static string Readable(string name) => string.Create(
        Math.Min(name.Length, MaxLoggedName),
        name,
        static (text, name) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = char.IsControl(name[i]) || char.IsSurrogate(name[i]) ? '?' : name[i];
            }
        });

    [LoggerMessage(1, LogLevel.Information, "{Scheme} from {Client} for user \"{User}\" not accepted: {Reason}.", EventName = "CredentialsNotAccepted")]
    private partial void LogRefused(string scheme, IPAddress? client, string user, string? reason);
}
