using System.Security.Cryptography;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>Connection ids: a counter that starts at a random place, so that ids of two runs do not meet in the logs.</summary>
internal static class ConnectionIds
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUV"; // base32hex, RFC 4648 §7
    private const int Length = 13; // 64 bits

    private static long _last = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));

    public static string Next() => string.Create(Length, Interlocked.Increment(ref _last), static (text, id) =>
    {
        for (var i = Length - 1; i >= 0; i--)
        {
            text[i] = Alphabet[(int)(id & 31)];
            id = (long)((ulong)id >> 5);
        }
    });
}
