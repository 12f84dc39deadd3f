using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Filtering;

/// <summary>Changes to fields that a filter asks for; they take effect once it has answered in time.</summary>
internal sealed class FieldChanges
{
    private readonly List<(string Name, string? Value)> _changes = [];

    public void Set(string name, string value)
    {
        Check(name);
        if (!FieldNames.IsValue(value))
        {
            throw new ArgumentException("The value has characters that a field cannot have.", nameof(value));
        }

        _changes.Add((name, value));
    }

    public void Remove(string name)
    {
        Check(name);
        _changes.Add((name, null));
    }

    public void ApplyTo(IHeaderDictionary? fields)
    {
        if (fields is null)
        {
            return; // a way in without a head
        }

        foreach (var (name, value) in _changes)
        {
            if (value is null)
            {
                fields.Remove(name);
            }
            else
            {
                fields[name] = value;
            }
        }
    }

    private static void Check(string name)
    {
        if (!FieldNames.MayBeChanged(name))
        {
            throw new ArgumentException($"\"{name}\" is no field name, or a field that the gateway itself has to be right about.", nameof(name));
        }
    }
}
