using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Configuration;

/// <summary>The registered sections as one shape, from the file's root. A section may lie within another's path.</summary>
internal static class SectionTree
{
    public const string Gateway = "Gateway";

    /// <summary>Sections of ASP.NET Core and YARP, which everybody expects in the file.</summary>
    public static IReadOnlyDictionary<string, string> StandardSections { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["Kestrel"] = "Endpoints, certificates and limits of the web server, as ASP.NET Core documents them. A change needs a restart.",
        ["ReverseProxy"] = "Routes and clusters, as YARP documents them.",
        ["Logging"] = "Log levels, as ASP.NET Core documents them.",
    };

    public static ObjectShape Build(IEnumerable<ConfigurationSection> sections)
    {
        var root = new Node("");
        root.Descend(Gateway);
        foreach (var section in sections)
        {
            var node = root;
            foreach (var segment in section.Path.Split(ConfigurationPath.KeyDelimiter))
            {
                node = node.Descend(segment);
            }

            if (section.OptionsType is { } type)
            {
                node.Shapes.Add(OptionsShapeReader.Read(type));
            }
            else
            {
                node.Shapes.Add(AnyShape.Instance);
            }
        }

        return (ObjectShape)root.Shape();
    }

    private sealed class Node(string name)
    {
        private readonly SortedDictionary<string, Node> _children = new(StringComparer.OrdinalIgnoreCase);

        public List<OptionsShape> Shapes { get; } = [];

        public Node Descend(string segment)
        {
            if (!_children.TryGetValue(segment, out var child))
            {
                _children[segment] = child = new Node(segment);
            }

            return child;
        }

        public OptionsShape Shape()
        {
            if (_children.Count == 0 && Shapes.Count == 1)
            {
                return Shapes[0];
            }

            if (_children.Count == 0 && Shapes.Find(s => s is not ObjectShape) is { } only)
            {
                return only;
            }

            var properties = new Dictionary<string, OptionsProperty>(StringComparer.OrdinalIgnoreCase);
            foreach (var property in Shapes.OfType<ObjectShape>().SelectMany(s => s.Properties))
            {
                properties[property.Name] = property;
            }

            foreach (var (key, node) in _children)
            {
                var shape = node.Shape();
                properties[key] = new OptionsProperty(key, shape, (shape as ObjectShape)?.Description, Default: null, AllowsNull: false);
            }

            var described = Shapes.OfType<ObjectShape>().Select(s => s.Description).FirstOrDefault(d => d is not null);
            return new ObjectShape(name, described, new Lazy<IReadOnlyList<OptionsProperty>>(() => [.. properties.Values])) { IsSection = true };
        }
    }
}
