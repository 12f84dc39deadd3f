using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>Names of the ASP.NET Core authentication schemes.</summary>
internal static class SchemeNames
{
    /// <summary>The default scheme: whichever of the others are open at the endpoint and the route.</summary>
    public const string Any = "Users";

    /// <summary>Name and password in the SOCKS5 handshake, before HTTP begins.</summary>
    public const string Socks5 = "Socks5";

    private static readonly string[] Names = [.. Enum.GetValues<UserScheme>().Select(static scheme => scheme.ToString())];

    public static IReadOnlyList<string> OfUserSchemes => Names;

    public static string Of(UserScheme scheme) => Names[(int)scheme];
}
