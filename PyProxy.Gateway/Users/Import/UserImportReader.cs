using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Users.Import;

/// <summary>Reads the files that users come in: CSV with a heading, or <c>htpasswd</c>. A bad line is reported by its number and spoils no other.</summary>
internal sealed class UserImportReader(Func<string?, string?> planMistake, Func<string?, string?> egressMistake)
{
    private const string NameColumn = "name";
    private const string PasswordColumn = "password";
    private const string HashColumn = "password_hash";
    private const string GroupsColumn = "groups";
    private const string PlanColumn = "plan";
    private const string EgressColumn = "egress_profile";
    private const string DisabledColumn = "disabled";

    private static readonly string[] Columns = [NameColumn, PasswordColumn, HashColumn, GroupsColumn, PlanColumn, EgressColumn, DisabledColumn];

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    /// <summary>In which line a name stands.</summary>
    public int LineOf(string name) => _lines[name];

    public IEnumerable<UserImportLine> ReadHtpasswd(IEnumerable<string> lines)
    {
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (HtpasswdFile.IsEmpty(line))
            {
                continue;
            }

            var mistake = HtpasswdFile.Read(line, out var name, out var hash);
            yield return Check(number, mistake, new UserRecord { Name = name, PasswordHash = hash?.ToString() }, clearPassword: null);
        }
    }

    public IEnumerable<UserImportLine> ReadCsv(IEnumerable<string> lines)
    {
        string[]? heading = null;
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var fields = CsvLine.Split(line);
            if (heading is null)
            {
                heading = fields is null ? [] : [.. fields.Select(f => f.Trim().ToLowerInvariant())];
                if (HeadingMistake(heading) is { } mistake)
                {
                    yield return new UserImportLine(number) { Mistake = mistake };
                    yield break; // no line can be read without it
                }
            }
            else if (fields is null || fields.Count != heading.Length)
            {
                yield return new UserImportLine(number)
                {
                    Mistake = fields is null ? "a quoted field does not end" : $"there are {fields.Count} fields where the heading has {heading.Length}",
                };
            }
            else
            {
                yield return Read(number, heading, fields);
            }
        }
    }

    private static string? HeadingMistake(string[] heading)
    {
        if (Array.Find(heading, column => !Columns.Contains(column, StringComparer.Ordinal)) is { } unknown)
        {
            // A file without a heading has a user here, perhaps with a password: it is not repeated unless it looks like a column.
            return $"the first line names the columns, out of: {string.Join(", ", Columns)}{(unknown.All(char.IsAsciiLetter) && unknown.Length < 20 ? $"; '{unknown}' is none" : "")}";
        }

        return heading.Distinct(StringComparer.Ordinal).Count() < heading.Length ? "a column stands twice in the heading"
            : !heading.Contains(NameColumn, StringComparer.Ordinal) ? $"the heading lacks the column {NameColumn}"
            : null;
    }

    private UserImportLine Read(int number, string[] heading, List<string> fields)
    {
        var name = Field(NameColumn);
        var clear = Field(PasswordColumn);
        var hash = Field(HashColumn);
        var groups = Field(GroupsColumn).Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var plan = Field(PlanColumn) is { Length: > 0 } named ? named : null;
        var egress = Field(EgressColumn) is { Length: > 0 } profile ? profile : null;
        var disabled = Field(DisabledColumn).ToLowerInvariant();
        var mistake = !UserName.IsValid(name) ? UserName.Rule
            : clear.Length > 0 && hash.Length > 0 ? "there is a password and a hash; one of them has to go"
            : hash.Length > 0 && !PasswordHash.TryParseAny(hash, out _) ? "the hash has no form that is accepted; clear passwords belong into the column password"
            : disabled is not ("" or "0" or "1" or "true" or "false" or "yes" or "no") ? "disabled is neither true nor false"
            : planMistake(plan) ?? egressMistake(egress);
        var user = new UserRecord
        {
            Name = name,
            PasswordHash = hash.Length > 0 ? hash : null,
            Groups = groups,
            Plan = plan,
            EgressProfile = egress,
            Disabled = disabled is "1" or "true" or "yes",
        };
        return Check(number, mistake, user, clear.Length > 0 ? clear : null);

        string Field(string column)
        {
            var index = Array.IndexOf(heading, column);
            return index < 0 ? "" : fields[index];
        }
    }

    private UserImportLine Check(int number, string? mistake, UserRecord user, string? clearPassword)
    {
        if (mistake is null && !_lines.TryAdd(user.Name, number))
        {
            mistake = $"the name stands in line {_lines[user.Name]} already";
        }

        return mistake is null
            ? new UserImportLine(number) { User = user, ClearPassword = clearPassword }
            : new UserImportLine(number) { Mistake = mistake };
    }
}
