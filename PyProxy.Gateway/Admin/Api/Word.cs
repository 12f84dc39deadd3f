namespace PyProxy.Gateway.Admin.Api;

/// <summary>An enumeration's value in a query, spelled as in JSON: minimal APIs by themselves take C#'s spelling only.</summary>
internal readonly record struct Word<TEnum>(TEnum Value)
    where TEnum : struct, Enum
{
    public static bool TryParse(string? text, out Word<TEnum> word)
    {
        var known = Enum.TryParse<TEnum>(text, ignoreCase: true, out var value) && Enum.IsDefined(value);
        word = new Word<TEnum>(value);
        return known;
    }
}
