namespace PyProxy.Gateway.Users.Stores;

/// <summary>Reads lines of <c>htpasswd</c>: <c>name:hash</c>, empty lines and comments.</summary>
internal static class HtpasswdFile
{
    /// <param name="line">One line.</param>
    /// <param name="name">The user's name.</param>
    /// <param name="hash">What stands behind the first colon, up to the next.</param>
    /// <returns>What is wrong, without the line's text; <see langword="null"/> where nothing is.</returns>
    public static string? Read(ReadOnlySpan<char> line, out string name, out PasswordHash? hash)
    {
        name = "";
        hash = null;
        var colon = line.IndexOf(':');
        if (colon < 0)
        {
            return "there is no colon between a name and a hash";
        }

        name = line[..colon].ToString();
        if (!UserName.IsValid(name))
        {
            return UserName.Rule;
        }

        var text = line[(colon + 1)..];
        var end = text.IndexOf(':'); // what other programs keep behind a second one is theirs
        text = (end < 0 ? text : text[..end]).Trim();
        return PasswordHash.TryParseAny(text.ToString(), out hash) ? null : Unknown(text);
    }

    public static bool IsEmpty(ReadOnlySpan<char> line) => line.Trim() is [] or ['#', ..];

    private static string Unknown(ReadOnlySpan<char> text) => text switch
    {
        { Length: 13 } => "crypt(3) with DES reads eight characters of a password and falls in minutes; make a new hash with `htpasswd -B`",
        ['$', '1' or '5' or '6', '$', ..] => "the system's crypt(3) hashes are not read; make a new hash with `htpasswd -B`",
        _ => "this is no hash; clear passwords are not read: `htpasswd -B` makes a hash",
    };
}
