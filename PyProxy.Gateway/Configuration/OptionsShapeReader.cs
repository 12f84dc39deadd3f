using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;

namespace PyProxy.Gateway.Configuration;

/// <summary>Reads an options type as the configuration binder would bind it.</summary>
internal static class OptionsShapeReader
{
    private static readonly ConcurrentDictionary<Type, OptionsShape> Cache = new();

    public static OptionsShape Read(Type type) => Cache.GetOrAdd(type, static t => ReadUncached(t));

    private static OptionsShape ReadUncached(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (IsScalar(type))
        {
            return new ScalarShape(type);
        }

        if (DictionaryValue(type) is { } value)
        {
            return new MapShape(Read(value));
        }

        if (ListElement(type) is { } element)
        {
            return new ListShape(Read(element));
        }

        var description = type.GetCustomAttribute<DescriptionAttribute>()?.Description;
        return new ObjectShape(type.Name, description, new Lazy<IReadOnlyList<OptionsProperty>>(() => Properties(type)));
    }

    private static bool IsScalar(Type type) =>
        type.IsPrimitive || type.IsEnum || TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string));

    private static Type? DictionaryValue(Type type) =>
        Implemented(type, typeof(IDictionary<,>), typeof(IReadOnlyDictionary<,>))?.GetGenericArguments()[1];

    private static Type? ListElement(Type type) => type.IsArray
        ? type.GetElementType()
        : Implemented(type, typeof(IEnumerable<>))?.GetGenericArguments()[0];

    private static Type? Implemented(Type type, params ReadOnlySpan<Type> definitions)
    {
        foreach (var candidate in type.GetInterfaces().Prepend(type))
        {
            if (candidate.IsGenericType && definitions.Contains(candidate.GetGenericTypeDefinition()))
            {
                return candidate;
            }
        }

        return null;
    }

    private static List<OptionsProperty> Properties(Type type)
    {
        var defaults = type.GetConstructor(Type.EmptyTypes) is null ? null : Activator.CreateInstance(type);
        var nullability = new NullabilityInfoContext();
        var properties = new List<OptionsProperty>();
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var shape = Read(property.PropertyType);
            if (property.GetIndexParameters().Length > 0 || (property.SetMethod is not { IsPublic: true } && shape is ScalarShape))
            {
                continue;
            }

            properties.Add(new OptionsProperty(
                property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? property.Name,
                shape,
                property.GetCustomAttribute<DescriptionAttribute>()?.Description,
                defaults is null ? null : property.GetValue(defaults),
                nullability.Create(property).WriteState == NullabilityState.Nullable));
        }

        return properties;
    }
}
