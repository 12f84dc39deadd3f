using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using PyProxy.Gateway.Filtering.Lists.Sources;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>What is known of a copy on disk.</summary>
/// <param name="Source">Digest of the source that it came from: a list whose source was changed does not begin with the old one's entries, and a
/// URL may hold a token.</param>
/// <param name="Version">To ask the source for something newer.</param>
/// <param name="Confirmed">When the source last said that this is the newest.</param>
internal sealed record ListCopy(string Source, ListVersion Version, DateTimeOffset Confirmed);

/// <summary>
/// The last good copy of each list, below the data directory: <c>lists/NAME.list</c> with the text, and <c>lists/NAME.json</c> about it. The text is
/// written first: what stands beside it may then be older than it, which costs a download, and never newer, which would keep an old list for good.
/// </summary>
internal sealed partial class ListStore(IConfiguration configuration, IHostEnvironment environment)
{
    private const string TextSuffix = ".list";
    private const string PartSuffix = ".part";

    public string Directory => Path.GetFullPath(Path.Combine(environment.ContentRootPath, configuration["Gateway:DataDirectory"] ?? "data", "lists"));

    public static string Digest(string source) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(source)));

    /// <summary>A new file for a list's text. Nobody else may write one for the same list meanwhile, also no other process.</summary>
    public FileStream CreatePart(string name)
    {
        System.IO.Directory.CreateDirectory(Directory);
        return new FileStream(File(name, PartSuffix), new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        });
    }

    /// <summary>The part file, closed by now, becomes the copy.</summary>
    public void Keep(string name, ListCopy copy)
    {
        System.IO.File.Move(File(name, PartSuffix), File(name, TextSuffix), overwrite: true);
        Describe(name, copy);
    }

    /// <summary>Writes anew what is known of the copy.</summary>
    public void Describe(string name, ListCopy copy)
    {
        var part = File(name, ".json.part");
        System.IO.File.WriteAllBytes(part, JsonSerializer.SerializeToUtf8Bytes(copy, CopyJson.Default.ListCopy));
        System.IO.File.Move(part, File(name, ".json"), overwrite: true);
    }

    public void Discard(string name)
    {
        if (System.IO.Directory.Exists(Directory))
        {
            System.IO.File.Delete(File(name, PartSuffix));
        }
    }

    /// <returns>What is known of the copy; <see langword="null"/> where there is none, or one of another source.</returns>
    public ListCopy? Find(string name, string source)
    {
        try
        {
            var copy = JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(File(name, ".json")), CopyJson.Default.ListCopy);
            return copy is { Source: not null, Version: not null } && copy.Source == Digest(source) && System.IO.File.Exists(File(name, TextSuffix)) ? copy : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // no copy, or none that can be trusted: the source is asked without one
        }
    }

    public FileStream Open(string name)
        => new(File(name, TextSuffix), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true);

    // Names of configuration keys are not case-sensitive; file names may be.
    private string File(string name, string suffix) => Path.Combine(Directory, name.ToLowerInvariant() + suffix);

    [JsonSerializable(typeof(ListCopy))]
    private sealed partial class CopyJson : JsonSerializerContext;
}
