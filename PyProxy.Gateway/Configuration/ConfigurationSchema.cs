using System.ComponentModel;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PyProxy.Gateway.Configuration;

/// <summary>Writes the JSON Schema that editors complete and check <c>appsettings.json</c> with.</summary>
internal sealed class ConfigurationSchema
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // read by people: quotes and dashes as they are
    };

    // An options type may contain itself, so each is written once and referred to.
    private readonly SortedDictionary<string, JsonNode?> _definitions = new(StringComparer.Ordinal);

    private ConfigurationSchema()
    {
    }

    public static string Write(ObjectShape root) => new ConfigurationSchema().WriteRoot(root).ToJsonString(Indented) + "\n";

    private JsonObject WriteRoot(ObjectShape root)
    {
        var properties = new JsonObject { ["$schema"] = new JsonObject { ["type"] = "string" } };
        foreach (var (name, description) in SectionTree.StandardSections)
        {
            properties[name] = new JsonObject { ["description"] = description, ["type"] = "object" };
        }

        foreach (var property in root.Properties)
        {
            var gateway = property.Name == SectionTree.Gateway;
            var schema = Shape(property.Shape, open: !gateway, inline: true);
            if (SectionTree.StandardSections.TryGetValue(property.Name, out var description))
            {
                schema["description"] = description;
            }

            schema["type"] = "object";
            properties[property.Name] = schema;
        }

        var result = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "PyProxy.Gateway configuration",
            ["type"] = "object",
            ["properties"] = properties,
        };
        var definitions = new JsonObject();
        foreach (var (name, definition) in _definitions)
        {
            definitions[name] = definition;
        }

        result["definitions"] = definitions;
        return result;
    }

    private JsonObject Shape(OptionsShape shape, bool open, bool inline = false) => shape switch
    {
        ScalarShape scalar => Scalar(scalar.Type),
        ListShape list => new JsonObject { ["type"] = "array", ["items"] = Shape(list.Element, open) },
        MapShape map => new JsonObject { ["type"] = "object", ["additionalProperties"] = Shape(map.Value, open) },
        ObjectShape known when inline => Object(known, open),
        ObjectShape known => Reference(known, open),
        _ => [],
    };

    private JsonObject Reference(ObjectShape shape, bool open)
    {
        if (!_definitions.ContainsKey(shape.Name))
        {
            _definitions[shape.Name] = null; // claimed before its properties are read, which may come back here
            _definitions[shape.Name] = Object(shape, open);
        }

        return new JsonObject { ["$ref"] = "#/definitions/" + shape.Name };
    }

    private JsonObject Object(ObjectShape shape, bool open)
    {
        var schema = new JsonObject { ["type"] = "object" };
        if (shape.Description is { } description)
        {
            schema["description"] = description;
        }

        var properties = new JsonObject();
        foreach (var property in shape.Properties)
        {
            properties[property.Name] = Property(property, open);
        }

        schema["properties"] = properties;
        if (!open)
        {
            schema["additionalProperties"] = false;
        }

        return schema;
    }

    private JsonObject Property(OptionsProperty property, bool open)
    {
        // Sections within sections are objects of nobody's type: they stand where they belong.
        var schema = Shape(property.Shape, open, inline: property.Shape is ObjectShape { IsSection: true });
        if (property.Description is { } description)
        {
            if (schema.ContainsKey("$ref"))
            {
                // Draft 7 ignores what stands beside a reference.
                schema = new JsonObject { ["allOf"] = new JsonArray(schema) };
            }

            schema["description"] = description;
        }

        if (property.AllowsNull && schema["type"] is JsonValue type)
        {
            schema["type"] = new JsonArray(type.DeepClone(), "null");
            (schema["enum"] as JsonArray)?.Add(null);
        }

        if (property is { Shape: ScalarShape, Default: { } value })
        {
            schema["default"] = DefaultValue(value);
        }

        return schema;
    }

    private static JsonObject Scalar(Type type) => type switch
    {
        _ when type == typeof(bool) => new JsonObject { ["type"] = "boolean" },
        _ when type == typeof(TimeSpan) => new JsonObject
        {
            ["type"] = "string",
            ["pattern"] = @"^-?(\d+\.)?\d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,7})?)?$",
        },
        _ when type.IsEnum => new JsonObject
        {
            ["type"] = "string",
            ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(n => (JsonNode)n)]),
        },
        _ when type == typeof(double) || type == typeof(float) || type == typeof(decimal) => new JsonObject { ["type"] = "number" },
        _ when type.IsPrimitive && type != typeof(char) => new JsonObject { ["type"] = "integer" },
        _ => new JsonObject { ["type"] = "string" },
    };

    private static JsonNode? DefaultValue(object value) => value switch
    {
        bool set => set,
        double or float or decimal => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        _ when value.GetType().IsPrimitive && value is not char => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        _ => TypeDescriptor.GetConverter(value).ConvertToInvariantString(value),
    };
}
