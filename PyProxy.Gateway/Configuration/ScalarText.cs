using System.ComponentModel;
using System.Globalization;

namespace PyProxy.Gateway.Configuration;

/// <summary>Judges text as the binder will convert it, in words that help whoever wrote it.</summary>
internal static class ScalarText
{
    public static string Expected(Type type) => type switch
    {
        _ when type == typeof(string) => "text",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(TimeSpan) => "a duration hh:mm:ss or d.hh:mm:ss",
        _ when type == typeof(double) || type == typeof(float) || type == typeof(decimal) => "a number",
        _ when type.IsEnum => "one of " + string.Join(", ", Enum.GetNames(type)),
        _ when type.IsPrimitive => "a whole number" + Range(type),
        _ => "a " + type.Name,
    };

    /// <summary>Why the text is no value of the type; <see langword="null"/> where it is one.</summary>
    public static string? Refusal(string text, Type type)
    {
        if (type.IsEnum)
        {
            return RefusalOfName(text, type);
        }

        try
        {
            TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            return $"'{text}' is not {Expected(type)}";
        }

        // TimeSpan reads a bare number as days, which nobody means who writes "30".
        return type == typeof(TimeSpan) && !text.Contains(':', StringComparison.Ordinal)
            ? $"'{text}' would mean days; write {Expected(type)}"
            : null;
    }

    private static string? RefusalOfName(string text, Type type)
    {
        var names = Enum.GetNames(type);
        if (names.Contains(text, StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        var meant = Spelling.Nearest(text, names) is { } name ? $"; did you mean '{name}'?" : "";
        return $"'{text}' is not {Expected(type)}{meant}";
    }

    private static string Range(Type type)
    {
        var least = type.GetField("MinValue")?.GetValue(obj: null);
        var most = type.GetField("MaxValue")?.GetValue(obj: null);
        return least is null ? "" : string.Create(CultureInfo.InvariantCulture, $" from {least} to {most}");
    }
}
