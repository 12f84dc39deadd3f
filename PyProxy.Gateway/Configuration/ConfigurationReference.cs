using System.ComponentModel;
using System.Text;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Configuration;

/// <summary>Writes the tables of <c>docs/configuration.md</c> from what the sections' options say of themselves.</summary>
internal static class ConfigurationReference
{
    public const string Begin = "<!-- begin: PyProxy.Gateway schema --markdown -->";
    public const string End = "<!-- end -->";

    public static string Write(IEnumerable<ConfigurationSection> sections)
    {
        var text = new StringBuilder().Append(Begin).Append('\n');
        foreach (var section in sections.Where(s => s.OptionsType is not null).OrderBy(s => s.Path, StringComparer.Ordinal))
        {
            text.Append("\n### ").Append(section.Path).Append("\n\n| Key | Type | Default | |\n|---|---|---|---|\n");
            Rows(text, OptionsShapeReader.Read(section.OptionsType!), prefix: "", []);
        }

        return text.Append('\n').Append(End).Append('\n').ToString();
    }

    private static void Rows(StringBuilder text, OptionsShape shape, string prefix, IReadOnlyList<string> within)
    {
        switch (shape)
        {
            case MapShape map:
                Rows(text, map.Value, prefix + "*name*.", within);
                break;
            case ListShape list:
                Rows(text, list.Element, prefix.TrimEnd('.') + "[].", within);
                break;
            case ObjectShape known when !within.Contains(known.Name, StringComparer.Ordinal):
                foreach (var property in known.Properties)
                {
                    Row(text, property, prefix);
                    Rows(text, property.Shape, prefix + property.Name + ".", [.. within, known.Name]);
                }

                break;
        }
    }

    private static void Row(StringBuilder text, OptionsProperty property, string prefix) =>
        text.Append("| ").Append(prefix).Append(property.Name)
            .Append(" | ").Append(TypeName(property.Shape))
            .Append(" | ").Append(Default(property))
            .Append(" | ").Append(Cell(property.Description ?? ""))
            .Append(" |\n");

    private static string TypeName(OptionsShape shape) => shape switch
    {
        ScalarShape scalar => scalar.Type switch
        {
            { IsEnum: true } type => string.Join(", ", Enum.GetNames(type)),
            _ when scalar.Type == typeof(string) => "text",
            _ when scalar.Type == typeof(bool) => "true or false",
            _ when scalar.Type == typeof(TimeSpan) => "duration",
            _ when scalar.Type == typeof(double) || scalar.Type == typeof(decimal) => "number",
            { IsPrimitive: true } => "whole number",
            _ => scalar.Type.Name,
        },
        ListShape list => "list of " + TypeName(list.Element),
        MapShape map => "by name: " + TypeName(map.Value),
        _ => "object",
    };

    private static string Default(OptionsProperty property) => property switch
    {
        { Shape: ScalarShape, Default: "" } => "",
        { Default: bool set } => set ? "`true`" : "`false`",
        { Shape: ScalarShape, Default: { } value } => $"`{TypeDescriptor.GetConverter(value).ConvertToInvariantString(value)}`",
        _ => "",
    };

    private static string Cell(string prose) =>
        string.Join(' ', prose.Split(['\n', '\r', ' '], StringSplitOptions.RemoveEmptyEntries))
            .Replace("|", "\\|", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal);
}
