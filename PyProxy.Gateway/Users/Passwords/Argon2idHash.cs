using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>
/// Argon2id (RFC 9106) in the PHC string format: <c>$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG</c>. BouncyCastle computes it on the calling
/// thread; Konscious' implementation, equally fast, would take the thread pool's, which belong to the proxying.
/// </summary>
internal sealed class Argon2idHash : PasswordHash
{
    public const int DefaultMemoryKiB = 19_456; // OWASP's first recommendation, with two passes and one lane
    public const int DefaultPasses = 2;

    // An absurd cost in a file or database would hold a processor or the memory for minutes per attempt.
    public const int MaxMemoryKiB = 1_048_576;
    public const int MaxPasses = 100;
    private const int MaxLanes = 16;
    private const string Prefix = "$argon2id$v=19$";
    private const int SaltLength = 16;
    private const int TagLength = 32;

    private readonly byte[] _salt;
    private readonly byte[] _tag;
    private readonly int _lanes;

    private Argon2idHash(int memoryKiB, int passes, int lanes, byte[] salt, byte[] tag)
    {
        MemoryKiB = memoryKiB;
        Passes = passes;
        _lanes = lanes;
        _salt = salt;
        _tag = tag;
    }

    public override string Kind => "Argon2id";

    public int MemoryKiB { get; }

    public int Passes { get; }

    /// <summary>Hashes a password with a salt of its own.</summary>
    public static Argon2idHash Create(string password, int memoryKiB, int passes)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltLength);
        return new Argon2idHash(memoryKiB, passes, lanes: 1, salt, Compute(password, salt, memoryKiB, passes, lanes: 1, TagLength));
    }

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out Argon2idHash? hash)
    {
        hash = null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        Span<Range> parts = stackalloc Range[4];
        text = text[Prefix.Length..];
        if (text.Split(parts, '$') != 3
            || !TryParseCost(text[parts[0]], out var memory, out var passes, out var lanes)
            || PhcBase64.Decode(text[parts[1]]) is not { Length: >= 8 and <= 64 } salt
            || PhcBase64.Decode(text[parts[2]]) is not { Length: >= 16 and <= 64 } tag)
        {
            return false;
        }

        hash = new Argon2idHash(memory, passes, lanes, salt, tag);
        return true;
    }

    /// <inheritdoc/>
    public override bool Verify(string password)
        => CryptographicOperations.FixedTimeEquals(Compute(password, _salt, MemoryKiB, Passes, _lanes, _tag.Length), _tag);

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Prefix}m={MemoryKiB},t={Passes},p={_lanes}${PhcBase64.Encode(_salt)}${PhcBase64.Encode(_tag)}");

    private static byte[] Compute(string password, byte[] salt, int memoryKiB, int passes, int lanes, int length)
    {
        var generator = new Argon2BytesGenerator();
        generator.Init(new Argon2Parameters.Builder(Argon2Parameters.Argon2id)
            .WithVersion(Argon2Parameters.Version13)
            .WithSalt(salt)
            .WithMemoryAsKB(memoryKiB)
            .WithIterations(passes)
            .WithParallelism(lanes)
            .Build());
        var tag = new byte[length];
        generator.GenerateBytes(Encoding.UTF8.GetBytes(password), tag);
        return tag;
    }

    // m=19456,t=2,p=1, in this order as the format demands.
    private static bool TryParseCost(ReadOnlySpan<char> text, out int memory, out int passes, out int lanes)
    {
        passes = lanes = 0;
        return TryTake(ref text, "m=", 8, MaxMemoryKiB, out memory)
            && TryTake(ref text, "t=", 1, MaxPasses, out passes)
            && TryTake(ref text, "p=", 1, MaxLanes, out lanes)
            && text.IsEmpty
            && memory >= 8 * lanes;
    }

    private static bool TryTake(ref ReadOnlySpan<char> text, string name, int min, int max, out int value)
    {
        value = 0;
        if (!text.StartsWith(name, StringComparison.Ordinal))
        {
            return false;
        }

        text = text[name.Length..];
        var end = text.IndexOf(',');
        var number = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= min && value <= max;
    }
}
