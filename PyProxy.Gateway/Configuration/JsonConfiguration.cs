namespace PyProxy.Gateway.Configuration;

/// <summary>A configuration file, flattened as ASP.NET Core flattens it, with the place of every key.</summary>
/// <param name="Data">Configuration path (<c>Gateway:Plans:standard</c>) to value.</param>
/// <param name="Places">Configuration path, of containers too, to its place in the file.</param>
/// <param name="Mistakes">What is wrong with the file as JSON.</param>
/// <param name="Broken">Whether reading ended at a mistake, so that the data is incomplete.</param>
internal sealed record JsonConfiguration(
    IReadOnlyDictionary<string, string?> Data,
    IReadOnlyDictionary<string, JsonPlace> Places,
    IReadOnlyList<JsonMistake> Mistakes,
    bool Broken);

/// <param name="JsonPath">The path as the file spells it: <c>$.Gateway.Plans['a.b'].Rates[0]</c>.</param>
/// <param name="Line">Counted from one.</param>
internal readonly record struct JsonPlace(string JsonPath, int Line);

internal readonly record struct JsonMistake(JsonPlace Place, string Message);
