using System.Text;
using Microsoft.Net.Http.Headers;

namespace PyProxy.Gateway.Http;

/// <summary>
/// Decoders of request fields: each byte a character, so that a field leaves as it came whatever its encoding (RFC 9110 §5.5: opaque data), and two of
/// their own for the fields that Kestrel tells less about than was received. It asks for a decoder by field name
/// (<c>KestrelServerOptions.RequestHeaderEncodingSelector</c>), which is the only place where the bytes are still there.
/// </summary>
internal static class FieldDecoding
{
    private static readonly DigitsEncoding ContentLength = new();
    private static readonly ConnectionEncoding Connection = new();

    /// <summary>The decoder for a field.</summary>
    public static Encoding Select(string name)
    {
        // Both names have a length of their own among what is usual, so most fields are told apart by it.
        return name.Length switch
        {
            10 when name.Equals(HeaderNames.Connection, StringComparison.OrdinalIgnoreCase) => Connection,
            14 when name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) => ContentLength,
            _ => Encoding.Latin1,
        };
    }

    /// <summary>Encodings that only read; Kestrel never writes with the decoder of a request.</summary>
    private abstract class FieldEncoding : Encoding
    {
        protected abstract string Decode(ReadOnlySpan<byte> bytes);

        public override int GetCharCount(byte[] bytes, int index, int count) => Decode(bytes.AsSpan(index, count)).Length;

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
        {
            var text = Decode(bytes.AsSpan(byteIndex, byteCount));
            text.CopyTo(chars.AsSpan(charIndex));
            return text.Length;
        }

        public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

        public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)
            => Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

        public override int GetMaxByteCount(int charCount) => Latin1.GetMaxByteCount(charCount);
    }

    /// <summary>
    /// Kestrel parses <c>Content-Length: +5</c> as 5, which a server in front may have taken for something else (RFC 9110 §8.6: digits only).
    /// What is no number is decoded into something that Kestrel refuses, too.
    /// </summary>
    private sealed class DigitsEncoding : FieldEncoding
    {
        private const int MaxDigits = 19; // of Int64.MaxValue

        protected override string Decode(ReadOnlySpan<byte> bytes)
            => bytes.Length is 0 or > MaxDigits || bytes.ContainsAnyExceptInRange((byte)'0', (byte)'9') ? "?" : Latin1.GetString(bytes);

        public override int GetMaxCharCount(int byteCount) => MaxDigits;
    }

    /// <summary>
    /// Kestrel replaces the whole of <c>Connection: X-Nominated, keep-alive</c> (or <c>close</c>, or <c>upgrade</c>) by the one option that it knows,
    /// and the nomination is lost. It does not where it finds two such options; so a field that nominates gets both <c>keep-alive</c> and <c>close</c>,
    /// and the connection closes after this request. Per line, because options add up over the lines of a field.
    /// </summary>
    private sealed class ConnectionEncoding : FieldEncoding
    {
        private const string BothOptions = ", keep-alive, close";

        protected override string Decode(ReadOnlySpan<byte> bytes)
        {
            var text = Latin1.GetString(bytes);
            return HopByHop.Nominates(text) ? text + BothOptions : text;
        }

        public override int GetMaxCharCount(int byteCount) => byteCount + BothOptions.Length;
    }
}
