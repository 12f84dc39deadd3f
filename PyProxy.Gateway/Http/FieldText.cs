using System.Text;
using System.Text.Unicode;

namespace PyProxy.Gateway.Http;

/// <summary>The text of a field's value, for those who read it; it travels as bytes, each of them a character.</summary>
internal static class FieldText
{
    private const int MaxOnStack = 256;

    /// <summary>Read as UTF-8 where it is that, and as it is otherwise.</summary>
    public static string? Of(string? value)
    {
        if (value is null || Ascii.IsValid(value))
        {
            return value;
        }

        var bytes = value.Length <= MaxOnStack ? stackalloc byte[value.Length] : new byte[value.Length];
        foreach (var character in value)
        {
            if (character > byte.MaxValue)
            {
                return value; // is text already
            }
        }

        Encoding.Latin1.GetBytes(value, bytes);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : value;
    }
}
