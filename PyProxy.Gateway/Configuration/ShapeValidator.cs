using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// Refuses unknown keys and wrong types. The binder would leave out the former in silence and stop at the first of the latter.
/// </summary>
internal sealed class ShapeValidator(ConfigurationErrors errors)
{
    // Keys that Kestrel reads in an endpoint: never taken for a misspelt one of ours.
    private static readonly HashSet<string> KestrelEndpointKeys = new(StringComparer.OrdinalIgnoreCase)
    {
        "Url", "Protocols", "SslProtocols", "Certificate", "ClientCertificateMode", "Sni",
    };

    public void Validate(IConfiguration candidate, ObjectShape root)
    {
        foreach (var property in root.Properties)
        {
            // Outside "Gateway" the house is shared with Kestrel and YARP: their keys are theirs to judge.
            var shared = !property.Name.Equals(SectionTree.Gateway, StringComparison.OrdinalIgnoreCase);
            Visit(candidate.GetSection(property.Name), property.Shape, shared);
        }

        foreach (var section in candidate.GetChildren())
        {
            if (Spelling.Nearest(section.Key, [SectionTree.Gateway, .. SectionTree.StandardSections.Keys]) is { } meant
                && !meant.Equals(section.Key, StringComparison.OrdinalIgnoreCase)
                && section.GetChildren().Any())
            {
                errors.Add(section.Path, $"unknown section; did you mean '{meant}'?");
            }
        }
    }

    private void Visit(IConfigurationSection section, OptionsShape shape, bool shared)
    {
        switch (shape)
        {
            case ScalarShape scalar:
                Scalar(section, scalar);
                break;
            case ListShape list when !IsText(section, "a list: [ … ]"):
                foreach (var child in section.GetChildren())
                {
                    if (int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                    {
                        Visit(child, list.Element, shared);
                    }
                    else
                    {
                        errors.Add(child.Path, "stands where a list is expected: [ … ]");
                    }
                }

                break;
            case MapShape map when !IsText(section, "an object: { … }"):
                foreach (var child in section.GetChildren())
                {
                    Visit(child, map.Value, shared);
                }

                break;
            case ObjectShape known when !IsText(section, "an object: { … }"):
                Object(section, known, shared);
                break;
        }
    }

    private void Object(IConfigurationSection section, ObjectShape shape, bool shared)
    {
        foreach (var child in section.GetChildren())
        {
            var property = shape.Properties.FirstOrDefault(p => p.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is not null)
            {
                if (child.Value is null && !property.AllowsNull && !child.GetChildren().Any())
                {
                    errors.Add(child.Path, "may not be null; leave the key out for the default");
                    continue;
                }

                Visit(child, property.Shape, shared);
                continue;
            }

            var meant = Spelling.Nearest(child.Key, shape.Properties.Select(p => p.Name));
            if (meant is not null && !(shared && KestrelEndpointKeys.Contains(child.Key)))
            {
                errors.Add(child.Path, $"unknown key; did you mean '{meant}'?");
            }
            else if (!shared)
            {
                errors.Add(child.Path, shape.Properties.Count == 0
                    ? "unknown key; nothing may stand here"
                    : $"unknown key; known here: {string.Join(", ", shape.Properties.Select(p => p.Name))}");
            }
        }
    }

    private void Scalar(IConfigurationSection section, ScalarShape shape)
    {
        if (section.GetChildren().Any())
        {
            errors.Add(section.Path, $"stands where {ScalarText.Expected(shape.Type)} is expected");
        }
        else if (section.Value is { } value && ScalarText.Refusal(value, shape.Type) is { } refusal)
        {
            errors.Add(section.Path, refusal);
        }
    }

    private bool IsText(IConfigurationSection section, string expected)
    {
        if (string.IsNullOrEmpty(section.Value))
        {
            return false;
        }

        errors.Add(section.Path, $"a single value stands where {expected} is expected");
        return true;
    }
}
