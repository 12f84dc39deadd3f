namespace PyProxy.Gateway.Sections;

/// <summary>Where a setting in force is written, for whoever has to change it.</summary>
/// <param name="JsonPath"><c>$.Gateway.Filtering.Rules[2]</c>.</param>
/// <param name="Source">The file, or <c>environment variable X</c>, or <c>command line</c>.</param>
/// <param name="Line">Line in the file, counted from one; <see langword="null"/> when it does not come from a file.</param>
internal sealed record SettingPlace(string JsonPath, string Source, int? Line)
{
    public override string ToString() => Line is { } line ? FormattableString.Invariant($"{Source}:{line}: {JsonPath}") : $"{Source}: {JsonPath}";
}

/// <summary>Knows where settings in force are written.</summary>
internal interface ISettingPlaces
{
    /// <summary>The place of a setting, or where it would have to be written.</summary>
    /// <param name="path">Configuration path: <c>Gateway:Filtering:Rules:2</c>.</param>
    SettingPlace PlaceOf(string path);
}
