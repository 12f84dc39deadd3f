using System.Globalization;

namespace PyProxy.Gateway.Configuration;

/// <summary>Writes JSON paths as RFC 9535 spells them: <c>.name</c> where the name allows it, <c>['a.b']</c> elsewhere.</summary>
internal static class JsonPath
{
    public const string Root = "$";

    public static string Member(string parent, string name) =>
        IsIdentifier(name) ? $"{parent}.{name}" : $"{parent}['{Escape(name)}']";

    public static string Element(string parent, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{parent}[{index}]");

    /// <summary>Appends segments of a configuration path, where a number can only be an array's index.</summary>
    public static string Append(string parent, string configurationPath)
    {
        var path = parent;
        foreach (var segment in configurationPath.Split(ConfigurationPath.KeyDelimiter, StringSplitOptions.RemoveEmptyEntries))
        {
            path = int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? Element(path, index)
                : Member(path, segment);
        }

        return path;
    }

    private static bool IsIdentifier(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '$'))
            {
                return false;
            }
        }

        return true;
    }

    private static string Escape(string name) =>
        name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
}
