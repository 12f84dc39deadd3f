using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>The tokens in force, compiled from the configuration and swapped with it.</summary>
internal sealed class AdminTokens : IDisposable
{
    /// <summary>Who comes from this machine without a token.</summary>
    private static readonly KnownUser Local = new("local", [AdminClaims.Read, AdminClaims.Write], plan: null);

    private readonly IDisposable? _changes;
    private volatile State _state;

    public AdminTokens(IOptionsMonitor<AdminOptions> options)
    {
        _state = State.Of(options.CurrentValue);
        _changes = options.OnChange(changed => _state = State.Of(changed));
    }

    /// <summary>Who a caller on this machine is without a token; <see langword="null"/> where one is needed.</summary>
    public KnownUser? LocalUser => _state.LocalAllowed ? Local : null;

    public bool HasTokens => _state.Tokens.Length > 0;

    /// <summary>Whose token it is. Takes as long for any wrong one, whatever it shares with a right one.</summary>
    public KnownUser? Find(ReadOnlySpan<char> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (!AdminToken.TryHash(token, hash))
        {
            return null;
        }

        KnownUser? found = null;
        foreach (var (known, user) in _state.Tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, known))
            {
                found = user;
            }
        }

        return found;
    }

    public void Dispose() => _changes?.Dispose();

    private sealed record State((byte[] Hash, KnownUser User)[] Tokens, bool LocalAllowed)
    {
        public static State Of(AdminOptions options)
        {
            var tokens = new List<(byte[], KnownUser)>();
            foreach (var (name, token) in options.Tokens)
            {
                if (AdminToken.TryParseHash(token.Hash, out var hash))
                {
                    string[] roles = token.Role == AdminRole.Write ? [AdminClaims.Read, AdminClaims.Write] : [AdminClaims.Read];
                    tokens.Add((hash, new KnownUser(name, roles, plan: null)));
                }
            }

            var local = options.LocalAccess switch
            {
                LocalAccess.Always => true,
                LocalAccess.Never => false,
                _ => options.Tokens.Count == 0,
            };
            return new State([.. tokens], local);
        }
    }
}

/// <summary>Roles of the admin API, as ASP.NET Core's principals carry them.</summary>
internal static class AdminClaims
{
    public const string Read = "admin.read";
    public const string Write = "admin.write";
}
