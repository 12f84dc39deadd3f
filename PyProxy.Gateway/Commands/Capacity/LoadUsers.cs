using System.Text;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>Whom the load is made as: each simulated user has credentials of its own, as long as there are enough.</summary>
internal sealed class LoadUsers
{
    private readonly string[] _credentials; // "name:password"

    private LoadUsers(string[] credentials) => _credentials = credentials;

    /// <summary>Everybody is anonymous.</summary>
    public static LoadUsers None { get; } = new([]);

    public int Count => _credentials.Length;

    /// <summary>A file with a line <c>name:password</c>, or <c>name,password</c>, for each user.</summary>
    /// <exception cref="FormatException">A line is neither; the message names it.</exception>
    public static async Task<LoadUsers> ReadAsync(string path, CancellationToken cancellationToken)
    {
        var credentials = new List<string>();
        var number = 0;
        await foreach (var line in File.ReadLinesAsync(path, cancellationToken))
        {
            number++;
            if (line.Length == 0 || line[0] == '#' || (number == 1 && line.StartsWith("name,password", StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            var end = line.IndexOfAny([':', ',']);
            if (end <= 0)
            {
                throw new FormatException($"{path}:{number}: not of the form name:password.");
            }

            credentials.Add(string.Concat(line.AsSpan(0, end), ":", line.AsSpan(end + 1)));
        }

        return credentials.Count > 0 ? new LoadUsers([.. credentials]) : throw new FormatException($"{path}: there is no user in it.");
    }

    /// <summary>The same user for the same number; with more simulated users than credentials they are shared.</summary>
    public (string Name, string Password)? Of(int number)
    {
        if (_credentials.Length == 0)
        {
            return null;
        }

        var pair = _credentials[number % _credentials.Length];
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        return (pair[..colon], pair[(colon + 1)..]);
    }

    /// <summary>The value of <c>Authorization</c> or <c>Proxy-Authorization</c>; <see langword="null"/> for an anonymous user.</summary>
    public string? BasicOf(int number)
        => _credentials.Length == 0 ? null : "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(_credentials[number % _credentials.Length]));
}
