using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>What is done about each field of a record. Immutable; made anew by every reload.</summary>
internal sealed class RecordFields
{
    private const int MaxHashed = 1024;
    private const int HashedBytes = 16;

    private readonly Treatment[] _treatments = new Treatment[Enum.GetValues<AccessLogField>().Length];
    private readonly byte[] _key;

    public RecordFields(AccessLogOptions options)
    {
        Format = options.Format;
        Queries = options.Queries;
        Probes = options.Probes;
        _key = Encoding.UTF8.GetBytes(options.HashKey ?? "");
        Set(options.Hash, Treatment.Hash);
        Set(options.Mask, Treatment.Mask);
        Set(options.Drop, Treatment.Drop);
    }

    private enum Treatment : byte
    {
        Keep = 0,
        Drop,
        Mask,
        Hash,
    }

    public AccessLogFormat Format { get; }

    /// <summary>Whether queries are written.</summary>
    public bool Queries { get; }

    /// <summary>Whether health checks and scrapes that succeeded are written.</summary>
    public bool Probes { get; }

    public bool IsPlain(AccessLogField field) => _treatments[(int)field] == Treatment.Keep;

    public bool IsMasked(AccessLogField field) => _treatments[(int)field] == Treatment.Mask;

    /// <summary>What is written in place of a value; <see langword="null"/> = nothing.</summary>
    public string? Apply(AccessLogField field, string? value) => value is null ? null : _treatments[(int)field] switch
    {
        Treatment.Keep => value,
        Treatment.Drop => null,
        Treatment.Mask => Masked(field, value),
        _ => Hashed(value),
    };

    public string? Apply(IPAddress? client)
        => client is null ? null : Apply(AccessLogField.Client, client.ToString());

    private static string Masked(AccessLogField field, string value) => field switch
    {
        AccessLogField.Client => IPAddress.TryParse(value, out var address) ? Network(address) : "***",
        AccessLogField.Target => SchemeAndHost(value),
        _ => value.Length == 0 ? "***" : $"{Rune.GetRuneAt(value, 0)}***",
    };

    private static string Network(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(bytes.Length == 4 ? 3 : 6).Clear();
        return new IPAddress(bytes).ToString();
    }

    private static string SchemeAndHost(string target)
    {
        var authority = target.IndexOf("://", StringComparison.Ordinal) is >= 0 and var colon ? colon + 3 : 0;
        var path = target.IndexOf('/', authority);
        return path < 0 ? target : target[..path];
    }

    private string Hashed(string value)
    {
        Span<byte> text = stackalloc byte[MaxHashed];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (Encoding.UTF8.TryGetBytes(value, text, out var length))
        {
            HMACSHA256.HashData(_key, text[..length], hash);
        }
        else
        {
            HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(value), hash);
        }

        return Convert.ToHexStringLower(hash[..HashedBytes]);
    }

    private void Set(AccessLogField[] fields, Treatment treatment)
    {
        foreach (var field in fields)
        {
            _treatments[(int)field] = treatment;
        }
    }
}
