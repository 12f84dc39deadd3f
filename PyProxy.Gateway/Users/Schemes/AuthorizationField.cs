using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>Which scheme a value of <c>Authorization</c> or <c>Proxy-Authorization</c> names (RFC 9110 §11.4; the name's case does not matter).</summary>
internal static class AuthorizationField
{
    public const string Basic = "Basic";
    public const string Bearer = "Bearer";

    /// <summary><see langword="null"/> for a scheme that is not ours.</summary>
    public static UserScheme? SchemeOf(ReadOnlySpan<char> value)
        => Names(value, Basic) ? UserScheme.Basic
            : Names(value, Bearer) ? UserScheme.Bearer
            : null;

    private static bool Names(ReadOnlySpan<char> value, ReadOnlySpan<char> scheme)
        => value.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && (value.Length == scheme.Length || value[scheme.Length] == ' ');
}
