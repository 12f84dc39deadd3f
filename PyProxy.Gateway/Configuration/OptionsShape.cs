namespace PyProxy.Gateway.Configuration;

/// <summary>What may stand at a place of the configuration. Validation, JSON Schema and the reference are all made from it.</summary>
internal abstract record OptionsShape;

/// <summary>Belongs to somebody else (YARP, Kestrel, logging): anything may stand here.</summary>
internal sealed record AnyShape : OptionsShape
{
    public static AnyShape Instance { get; } = new();
}

/// <param name="Type">The value's type, never <see cref="Nullable{T}"/>.</param>
internal sealed record ScalarShape(Type Type) : OptionsShape;

internal sealed record ListShape(OptionsShape Element) : OptionsShape;

/// <summary>Names of the user's own choosing, all with values of one shape.</summary>
internal sealed record MapShape(OptionsShape Value) : OptionsShape;

/// <summary>Known keys. Its properties are computed when asked for, because an options type may contain itself.</summary>
/// <param name="Name">The options type's name, or the section's.</param>
/// <param name="Description">In prose, from the type.</param>
/// <param name="Read">Reads the properties.</param>
internal sealed record ObjectShape(string Name, string? Description, Lazy<IReadOnlyList<OptionsProperty>> Read) : OptionsShape
{
    public IReadOnlyList<OptionsProperty> Properties => Read.Value;

    /// <summary>Made of registered sections, not of one options type.</summary>
    public bool IsSection { get; init; }
}

/// <param name="Name">The key.</param>
/// <param name="Shape">What may stand there.</param>
/// <param name="Description">In prose, with unit and range.</param>
/// <param name="Default">The value where the key is absent.</param>
/// <param name="AllowsNull">Whether <c>null</c> means something.</param>
internal sealed record OptionsProperty(string Name, OptionsShape Shape, string? Description, object? Default, bool AllowsNull);
