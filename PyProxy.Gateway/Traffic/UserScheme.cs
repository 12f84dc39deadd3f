namespace PyProxy.Gateway.Traffic;

/// <summary>
/// A way to prove who one is that an endpoint or a route may ask for; its name is that of the ASP.NET Core authentication scheme. SOCKS5's own
/// is not among them: it belongs to the protocol.
/// </summary>
internal enum UserScheme
{
    /// <summary>Name and password, RFC 7617.</summary>
    Basic = 0,

    /// <summary>A key in a field of its own, or in the query.</summary>
    ApiKey,

    /// <summary>A JSON Web Token, RFC 6750 and RFC 7519.</summary>
    Bearer,

    /// <summary>The certificate of a TLS client.</summary>
    ClientCertificate,

    /// <summary>The address that a client comes from.</summary>
    ClientAddress,
}

/// <summary>Some of the schemes.</summary>
internal readonly record struct UserSchemeSet
{
    private readonly int _bits;

    private UserSchemeSet(int bits) => _bits = bits;

    /// <summary>
    /// What holds where nobody says: all but API keys, whose field may just as well be meant for the origin. Whether a scheme knows anybody is
    /// another question.
    /// </summary>
    public static UserSchemeSet Default { get; } = Of(UserScheme.Basic, UserScheme.Bearer, UserScheme.ClientCertificate, UserScheme.ClientAddress);

    public static UserSchemeSet Of(params IEnumerable<UserScheme> schemes) => new(schemes.Aggregate(0, static (bits, scheme) => bits | (1 << (int)scheme)));

    public bool Contains(UserScheme scheme) => (_bits & (1 << (int)scheme)) != 0;

    /// <summary>The schemes that are in both.</summary>
    public UserSchemeSet And(UserSchemeSet other) => new(_bits & other._bits);
}
