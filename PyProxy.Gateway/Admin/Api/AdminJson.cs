using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>How the admin API spells JSON: camelCase, enumerations as words, nothing where there is nothing.</summary>
internal static class AdminJson
{
    public static JsonSerializerOptions Options { get; } = Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow; // a misspelt member would silently do nothing
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        return options;
    }
}
