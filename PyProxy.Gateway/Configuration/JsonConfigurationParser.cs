using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// Reads a configuration file with the rules of ASP.NET Core's JSON provider (comments, trailing commas, keys without regard to case).
/// That provider stops at the first mistake and forgets lines, and <see cref="JsonDocument"/> keeps no positions; hence a reader of our own.
/// </summary>
internal static class JsonConfigurationParser
{
    private static readonly JsonReaderOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    public static JsonConfiguration Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.StartsWith(Encoding.UTF8.Preamble))
        {
            utf8 = utf8[Encoding.UTF8.Preamble.Length..];
        }

        var walk = new Walk(utf8);
        var broken = false;
        try
        {
            walk.Run();
        }
        catch (JsonException e)
        {
            broken = true;
            walk.Mistakes.Add(new JsonMistake(new JsonPlace(JsonPath.Root, (int)(e.LineNumber ?? 0) + 1), Describe(e)));
        }

        return new JsonConfiguration(walk.Data, walk.Places, walk.Mistakes, broken);
    }

    private static string Describe(JsonException e)
    {
        // The exception repeats the position at its end; the place of the mistake says it already, counted from one.
        var message = e.Message;
        var position = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return "not valid JSON: " + (position < 0 ? message : message[..position]);
    }

    private ref struct Walk(ReadOnlySpan<byte> json)
    {
        private readonly ReadOnlySpan<byte> _json = json;
        private Utf8JsonReader _reader = new(json, Options);
        private int _countedTo;
        private int _line = 1;

        public Dictionary<string, string?> Data { get; } = new(StringComparer.OrdinalIgnoreCase);

        public Dictionary<string, JsonPlace> Places { get; } = new(StringComparer.OrdinalIgnoreCase);

        public List<JsonMistake> Mistakes { get; } = [];

        public void Run()
        {
            _reader.Read();
            if (_reader.TokenType != JsonTokenType.StartObject)
            {
                Mistakes.Add(new JsonMistake(new JsonPlace(JsonPath.Root, Line()), "the file must hold one JSON object: { … }"));
                return;
            }

            Places[""] = new JsonPlace(JsonPath.Root, Line());
            Object("", JsonPath.Root);
            _reader.Read();
        }

        private void Object(string path, string jsonPath)
        {
            var members = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = _reader.GetString()!;
                var place = new JsonPlace(JsonPath.Member(jsonPath, name), Line());
                var key = path.Length == 0 ? name : ConfigurationPath.Combine(path, name);
                if (!members.Add(name))
                {
                    var first = Places[key].Line;
                    Mistakes.Add(new JsonMistake(place, string.Create(
                        CultureInfo.InvariantCulture,
                        $"duplicate key: '{name}' stands on line {first} already (keys do not differ by case)")));
                }

                Places[key] = place;
                _reader.Read();
                Value(key, place.JsonPath);
            }

            if (members.Count == 0)
            {
                // Present but empty: the key must be seen by whoever lists its parent's children.
                Data[path] = "";
            }
        }

        private void Array(string path, string jsonPath)
        {
            var index = 0;
            while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
            {
                var key = ConfigurationPath.Combine(path, index.ToString(CultureInfo.InvariantCulture));
                var place = new JsonPlace(JsonPath.Element(jsonPath, index), Line());
                Places[key] = place;
                Value(key, place.JsonPath);
                index++;
            }

            if (index == 0)
            {
                Data[path] = "";
            }
        }

        private void Value(string path, string jsonPath)
        {
            switch (_reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    Object(path, jsonPath);
                    break;
                case JsonTokenType.StartArray:
                    Array(path, jsonPath);
                    break;
                case JsonTokenType.Null:
                    Data[path] = null;
                    break;
                case JsonTokenType.True:
                    Data[path] = bool.TrueString;
                    break;
                case JsonTokenType.False:
                    Data[path] = bool.FalseString;
                    break;
                case JsonTokenType.Number:
                    Data[path] = Encoding.UTF8.GetString(_reader.ValueSpan);
                    break;
                default:
                    Data[path] = _reader.GetString();
                    break;
            }
        }

        private int Line()
        {
            var position = (int)_reader.TokenStartIndex;
            _line += _json[_countedTo..position].Count((byte)'\n');
            _countedTo = position;
            return _line;
        }
    }
}
