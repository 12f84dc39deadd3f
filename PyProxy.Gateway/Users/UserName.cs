namespace PyProxy.Gateway.Users;

/// <summary>What may be a user's name.</summary>
internal static class UserName
{
    public const string Rule = "a user's name has 1 to 128 characters and neither a colon nor control characters (RFC 7617)";

    private const int MaxLength = 128;

    public static bool IsValid(ReadOnlySpan<char> name)
        => name.Length is > 0 and <= MaxLength && !name.Contains(':') && !name.ContainsAnyInRange('\0', '\x1F') && !name.ContainsAnyInRange('\x7F', '\x9F');
}
