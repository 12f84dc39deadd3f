using System.Collections.Frozen;
using Microsoft.IdentityModel.Tokens;

namespace PyProxy.Gateway.Users.Schemes.Bearer;

/// <summary>
/// The algorithms with a public key (RFC 7518 §3.1). With a shared secret (HS256 and kin) everybody who can verify can also issue, and a public key
/// must never be taken for such a secret.
/// </summary>
internal static class SigningAlgorithms
{
    public static FrozenSet<string> All { get; } = FrozenSet.Create(
        StringComparer.Ordinal,
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSha384,
        SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.RsaSsaPssSha384,
        SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.EcdsaSha384,
        SecurityAlgorithms.EcdsaSha512);
}
