using System.Text;

namespace PyProxy.Gateway.Users.Import;

/// <summary>One line of CSV (RFC 4180). Fields that run over several lines are not taken: nothing in a user's record may hold a line's end.</summary>
internal static class CsvLine
{
    /// <returns><see langword="null"/> where a quoted field does not end.</returns>
    public static List<string>? Split(string line)
    {
        List<string> fields = [];
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (quoted)
            {
                if (c != '"')
                {
                    field.Append(c);
                }
                else if (i + 1 < line.Length && line[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else
                {
                    quoted = false;
                }
            }
            else if (c == '"' && field.Length == 0)
            {
                quoted = true;
            }
            else if (c == ',')
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        if (quoted)
        {
            return null;
        }

        fields.Add(field.ToString());
        return fields;
    }
}
