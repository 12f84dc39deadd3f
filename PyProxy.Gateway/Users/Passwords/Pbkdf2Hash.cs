using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>
/// A password's hash in ASP.NET Core Identity's form, version 3: a marker 0x01, then pseudo-random function, iterations and salt length as
/// big-endian 32-bit numbers, salt, subkey; all in base64. Parameters stand beside the hash, so hashes of other strengths stay verifiable.
/// </summary>
internal sealed class Pbkdf2Hash : PasswordHash
{
    /// <summary>What Identity uses since .NET 7, and what OWASP's 210,000 for SHA-512 halves: bounded work matters more to a proxy.</summary>
    public const int DefaultIterations = 100_000;

    // An absurd count in a configuration file would hold a processor for minutes per attempt.
    public const int MaxIterations = 10_000_000;
    private const int HeaderLength = 13;
    private const int SaltLength = 16;
    private const int SubkeyLength = 32;
    private const byte Marker = 0x01;

    private readonly HashAlgorithmName _algorithm;
    private readonly int _iterations;
    private readonly byte[] _salt;
    private readonly byte[] _subkey;

    private Pbkdf2Hash(HashAlgorithmName algorithm, int iterations, byte[] salt, byte[] subkey)
    {
        _algorithm = algorithm;
        _iterations = iterations;
        _salt = salt;
        _subkey = subkey;
    }

    public override string Kind => "PBKDF2";

    public int Iterations => _iterations;

    public bool IsSha512 => _algorithm == HashAlgorithmName.SHA512;

    /// <summary>Hashes a password with a salt of its own.</summary>
    public static Pbkdf2Hash Create(string password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltLength);
        var subkey = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA512, SubkeyLength);
        return new Pbkdf2Hash(HashAlgorithmName.SHA512, iterations, salt, subkey);
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out Pbkdf2Hash? hash)
    {
        hash = null;
        Span<byte> bytes = stackalloc byte[256];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length < HeaderLength || bytes[0] != Marker)
        {
            return false;
        }

        bytes = bytes[..length];
        var algorithm = BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]) switch
        {
            0 => HashAlgorithmName.SHA1,
            1 => HashAlgorithmName.SHA256,
            2 => HashAlgorithmName.SHA512,
            _ => default,
        };
        var iterations = BinaryPrimitives.ReadUInt32BigEndian(bytes[5..]);
        var saltLength = BinaryPrimitives.ReadUInt32BigEndian(bytes[9..]);
        if (algorithm.Name is null || iterations is 0 or > MaxIterations || saltLength < SaltLength || saltLength > length - HeaderLength - SaltLength)
        {
            return false;
        }

        var subkeyStart = HeaderLength + (int)saltLength;
        hash = new Pbkdf2Hash(algorithm, (int)iterations, bytes[HeaderLength..subkeyStart].ToArray(), bytes[subkeyStart..].ToArray());
        return true;
    }

    /// <inheritdoc/>
    public override bool Verify(string password)
    {
        Span<byte> candidate = stackalloc byte[_subkey.Length];
        Rfc2898DeriveBytes.Pbkdf2(password, _salt, candidate, _iterations, _algorithm);
        return CryptographicOperations.FixedTimeEquals(candidate, _subkey);
    }

    /// <summary>The encoded form, <c>AQAAAA…</c>.</summary>
    public override string ToString()
    {
        var bytes = new byte[HeaderLength + _salt.Length + _subkey.Length];
        bytes[0] = Marker;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), _algorithm.Name switch { "SHA1" => 0u, "SHA256" => 1u, _ => 2u });
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(5), (uint)_iterations);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(9), (uint)_salt.Length);
        _salt.CopyTo(bytes, HeaderLength);
        _subkey.CopyTo(bytes, HeaderLength + _salt.Length);
        return Convert.ToBase64String(bytes);
    }
}
